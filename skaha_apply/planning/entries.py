"""The entries of a manifest with all their combinations; `needs` leads from a combination to an entry.

A combination depends on the agreeing combinations of each entry that it names. Two combinations agree if they have the
same value on every axis that both have. The time of a look-up does not grow with the number of combinations, because an
entry is sorted once for each set of axes of its dependents.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import SkahaApplyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec

Axes = tuple[str, ...]
Values = tuple[str, ...]


def merged_needs(every: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """The dependencies in several values of `needs`: the name as written, by entry key.

    Combinations of one entry can have different ones, because an `include` can change them.
    """
    found: dict[str, str] = {}
    for needs in dict.fromkeys(every):
        for name in needs:
            found.setdefault(name.casefold(), name)
    return found


@dataclass(frozen=True, eq=False)
class EntrySpecs:
    """An entry of the manifest: its name as written, and its combinations in the order of the manifest."""

    key: str
    name: str
    specs: tuple[SessionSpec, ...]

    @cached_property
    def needs(self) -> Mapping[str, str]:
        """The dependencies of all its combinations: the name as written, by entry key."""
        return merged_needs(spec.needs for spec in self.specs)

    @cached_property
    def place(self) -> Mapping[str, int]:
        """The position of each combination in the order of the manifest, by session key."""
        return {spec.key: index for index, spec in enumerate(self.specs)}

    @cached_property
    def parallelism(self) -> int | None:
        """The limit of its active replicas; the smallest value if combinations differ."""
        return min((spec.parallelism for spec in self.specs if spec.parallelism is not None), default=None)

    @cached_property
    def pilot(self) -> int:
        """The number of its pilot replicas; the largest value if combinations differ."""
        return max((spec.pilot for spec in self.specs if spec.pilot is not None), default=0)

    @cached_property
    def stop_after(self) -> int:
        """The number of failed attempts in a row that stops it; the smallest value if combinations differ."""
        return min(spec.stop_after for spec in self.specs)


@dataclass(frozen=True, eq=False)
class Group:
    """The combinations of one dependency that agree with a combination, in the order of the manifest.

    Dependents that agree with the same combinations share one object.
    """

    entry: EntrySpecs
    specs: tuple[SessionSpec, ...]


class Entries:
    """The entries of a project by key, and their dependencies."""

    def __init__(self, project: Project) -> None:
        members: dict[str, list[SessionSpec]] = {}
        for spec in project.sessions:
            members.setdefault(spec.entry_key, []).append(spec)
        self.by_key = {
            key: EntrySpecs(key, specs[0].group or specs[0].name, tuple(specs)) for key, specs in members.items()
        }
        self.empty = {name.casefold(): name for name in project.empty if name.casefold() not in self.by_key}
        self._sorted: dict[tuple[str, frozenset[str]], tuple[_Part, ...]] = {}
        self._groups: dict[tuple[str, tuple[tuple[Axes, Values], ...]], Group] = {}

    def needed(self, spec: SessionSpec) -> tuple[tuple[str, Group | None], ...]:
        """The dependencies of a combination: name as written and group; None for an entry whose list is empty."""
        if not spec.needs:
            return ()
        names = {name.casefold(): name for name in reversed(spec.needs)}
        return tuple(
            (name, self._group(spec, self.by_key[key]) if key in self.by_key else None)
            for key, name in reversed(names.items())
        )

    def in_order_of_need(self) -> tuple[EntrySpecs, ...]:
        """The entries, each after its dependencies; otherwise in manifest order.

        Raises:
            SkahaApplyError: if `needs` names an entry that does not exist, or if dependencies run in a circle.
        """
        ordered: dict[str, EntrySpecs] = {}
        for root in self.by_key.values():
            trail: list[EntrySpecs] = [root]
            while trail:
                entry = trail[-1]
                missing = [key for key in entry.needs if key not in ordered and key not in self.empty]
                if not missing:
                    ordered.setdefault(entry.key, entry)
                    trail.pop()
                    continue
                trail.append(self._next(trail, missing[0]))
        return tuple(ordered.values())

    def _next(self, trail: list[EntrySpecs], key: str) -> EntrySpecs:
        entry, needed = trail[-1], self.by_key.get(key)
        if needed is None:
            name = entry.needs[key]
            raise SkahaApplyError(f"session {entry.name!r} needs {name!r}, which is not in the manifest")
        if needed in trail:
            circle = " -> ".join([*(one.name for one in trail[trail.index(needed) :]), needed.name])
            raise SkahaApplyError(f"needs run in a circle: {circle}")
        return needed

    def _group(self, spec: SessionSpec, entry: EntrySpecs) -> Group:
        """The combinations of an entry that agree with a spec."""
        parts = self._parts(entry, frozenset(spec.values))
        agreed = tuple((part.shared, tuple(spec.values[axis] for axis in part.shared)) for part in parts)
        known = self._groups.get((entry.key, agreed))
        if known is not None:
            return known
        found = [one for part, (_, values) in zip(parts, agreed, strict=True) for one in part.by_values.get(values, ())]
        if len(parts) > 1:
            found.sort(key=lambda one: entry.place[one.key])
        made = self._groups[entry.key, agreed] = Group(entry, tuple(found))
        return made

    def _parts(self, entry: EntrySpecs, axes: frozenset[str]) -> tuple[_Part, ...]:
        """The combinations of an entry, sorted by the given axes. A row without a cell lacks the axis of the cell."""
        known = self._sorted.get((entry.key, axes))
        if known is not None:
            return known
        by_axes: dict[frozenset[str], _Part] = {}
        for spec in entry.specs:
            theirs = frozenset(spec.values)
            part = by_axes.get(theirs)
            if part is None:
                part = by_axes[theirs] = _Part(tuple(sorted(axes & theirs)), {})
            part.by_values.setdefault(tuple(spec.values[axis] for axis in part.shared), []).append(spec)
        made = self._sorted[entry.key, axes] = tuple(by_axes.values())
        return made


@dataclass(frozen=True, eq=False)
class _Part:
    """The combinations of an entry that have the same axes, by their values on the shared axes."""

    shared: Axes
    by_values: dict[Values, list[SessionSpec]]
