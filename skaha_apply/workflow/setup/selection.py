"""Selects replicas by patterns, by the values of an axis, or by phases. It is fast for thousands of names."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import field
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.counts import first_names
from skaha_apply.model.errors import UsageError
from skaha_apply.planning.selection import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.session import Phase
    from skaha_apply.model.spec import ReplicaKey, SessionSpec
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.workflow.setup.context import StateLocation


_WILD = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A replica that can be selected: its key, live name and spec, and its phase, None without a record."""

    key: ReplicaKey
    name: str
    spec: SessionSpec
    phase: Phase | None = None


@dataclass
class ReplicaSelection:
    """Selects candidates, and reports which of its words matched none of them.

    Args:
        patterns: `NAME[/REPLICAS]`, a live name, or the name of a matrix as written; none selects all.
        axis: select only combinations that have one of `values` on this axis, as written.
        values: values of the axis.
        phases: select only replicas in one of these; none selects any.
    """

    patterns: tuple[str, ...] = ()
    axis: str | None = None
    values: tuple[str, ...] = ()
    phases: tuple[Phase, ...] = ()
    _plain: Mapping[str, list[str]] = field(init=False)
    _wild: list[str] = field(init=False)
    _matched: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Sort the patterns: those without a wildcard are looked up by their name."""
        plain: dict[str, list[str]] = defaultdict(list)
        self._wild = []
        for pattern in dict.fromkeys(self.patterns):
            name = pattern.partition("/")[0].casefold()
            if _WILD & set(name):
                self._wild.append(pattern)
            else:
                plain[name].append(pattern)
        self._plain = dict(plain)
        self._wanted = frozenset(self.values)

    def includes(self, one: Candidate) -> bool:
        """Whether a candidate is selected.

        Raises:
            UsageError: a pattern is wrong.
        """
        named = not self.patterns or self._is_named(one)
        valued = self.axis is None or one.spec.values.get(self.axis) in self._wanted
        if self.axis is not None and named and valued:
            self._matched.add(one.spec.values[self.axis])
        return named and valued and (not self.phases or one.phase in self.phases)

    def _is_named(self, one: Candidate) -> bool:
        found = [
            *self._matching(one, self._wild),
            *self._matching(one, self._plain.get(one.key[0], ())),
            *(pattern for pattern in self._plain.get(one.name.casefold(), ()) if "/" not in pattern),
            *(self._matching(one, self._plain.get(one.spec.entry_key, ())) if one.spec.group else ()),
        ]
        if self.axis is None:
            self._matched.update(found)
        return bool(found)

    @staticmethod
    def _matching(one: Candidate, patterns: Iterable[str]) -> list[str]:
        try:
            return [pattern for pattern in patterns if matches(pattern, *one.key, one.spec.group)]
        except ValueError as error:
            raise UsageError(str(error)) from error

    @property
    def unmatched(self) -> tuple[str, ...]:
        """The values, or without an axis the patterns, that matched none of the candidates so far."""
        words = self.patterns if self.axis is None else self.values
        return tuple(word for word in dict.fromkeys(words) if word not in self._matched)


def check_axis(axis: str, specs: Iterable[SessionSpec]) -> None:
    """Refuse an axis that no session has; raises `UsageError`, which names the existing ones."""
    known = sorted({name for spec in specs for name in spec.values})
    if axis not in known:
        there = f"there are: {', '.join(known)}" if known else "no session here has a matrix"
        raise UsageError(f"--axis {axis}: no session has such an axis or column", hint=there)


def axis_of(values: Sequence[str], specs: Iterable[SessionSpec]) -> str:
    """The axis that has all these values, as written; "" if there is none."""
    known: dict[str, set[str]] = defaultdict(set)
    for spec in specs:
        for axis, value in spec.values.items():
            known[axis].add(value)
    return next((axis for axis in sorted(known) if known[axis].issuperset(values)), "")


MOST_NAMED = 10


async def check_scope(location: StateLocation, projects: Sequence[Project], options: PlanOptions) -> None:
    """Refuse patterns that match no replica of any project, desired or recorded.

    Raises:
        UsageError: it names the pattern and the existing names.
        StateError: a state cannot be read.
    """
    if not options.limited:
        return
    known: dict[ReplicaKey, str] = {}  # to the name of its matrix as written
    for project in projects:
        document = await location.at(project).store(project.name).read()
        if document is not None:
            known |= {record.key: document.specs[record.spec].group for record in document.replicas}
        known |= {
            (spec.key, replica): spec.group for spec in project.sessions for replica in range(1, spec.replicas + 1)
        }
    for pattern in (*options.targets, *options.excludes):
        if not any(matches(pattern, *key, group) for key, group in known.items()):
            names = sorted({group or session for (session, _), group in known.items()})
            raise UsageError(
                f"{pattern!r} matches no replica of {', '.join(project.name for project in projects)}",
                hint=f"there are: {first_names(names, MOST_NAMED)}",
            )
