"""Recognizes numbered live names as replicas of one entry: the clients create `tile-1` … `tile-9` for `-r 9`."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.session import Kind
from skaha_apply.model.spec import Decides, names_by_role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skaha_apply.model.spec import SessionSpec

NUMBERED = re.compile(r"(.*[^-])-([1-9][0-9]{0,4})")
SINGLE = frozenset({Kind.DESKTOP, Kind.FIREFLY})  # kinds without replicas in the clients
MOST_OF_CLIENTS = 512  # replicas in one command of the published clients; a higher number is part of a name


@dataclass(frozen=True)
class Series:
    """One entry: its spec, its live names, and remarks why it does not have more."""

    spec: SessionSpec
    names: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def read_series(specs: Mapping[str, SessionSpec], listed: Iterable[str]) -> list[Series]:
    """The entries for these sessions, in natural order of live names: `tile-2` before `tile-10`.

    Sessions become replicas of one entry if they are alike and all of `name-1` … `name-N` exist. Otherwise a rerun
    would have another REPLICA_COUNT.

    Args:
        specs: an entry for each session.
        listed: every live name, including those that are not exported.
    """
    listed_numbers = _numbers_by_name(listed)
    made = [Series(spec, (name,)) for name, spec in specs.items() if not NUMBERED.fullmatch(name)]
    for stem, here in _numbers_by_name(specs).items():
        names = tuple(f"{stem}-{number}" for number in sorted(here))
        found = [specs[name] for name in names]
        remarks = _apart(stem, found, _Numbers(here, listed_numbers[stem]), taken=stem in specs)
        if remarks is None:
            made.append(Series(found[0].model_copy(update={"name": stem, "replicas": len(found)}), names))
        else:
            made.extend(Series(spec, (spec.name,), () if index else remarks) for index, spec in enumerate(found))
    return sorted(made, key=lambda one: _natural(one.names[0]))


@dataclass(frozen=True)
class _Numbers:
    """The replica numbers of one name: of the exported sessions (`here`), and of all `listed` ones."""

    here: frozenset[int]
    listed: frozenset[int]

    @property
    def most(self) -> int:
        """The highest number, which is the least possible number of replicas."""
        return max(self.listed | self.here)

    @property
    def missing(self) -> frozenset[int]:
        """The numbers from 1 to the highest that are not exported."""
        return frozenset(range(1, self.most + 1)) - self.here


def _numbers_by_name(names: Iterable[str]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for name in names:
        if match := NUMBERED.fullmatch(name):
            found[match[1]].add(int(match[2]))
    return {stem: frozenset(numbers) for stem, numbers in found.items()}


def _apart(stem: str, specs: Sequence[SessionSpec], numbers: _Numbers, *, taken: bool) -> tuple[str, ...] | None:
    """Remarks why these sessions are not replicas of one entry; None if they are.

    `taken`: a session has the name without a number.
    """
    kinds = {spec.kind for spec in specs}
    alike = all(_alike(spec, specs[0]) for spec in specs)
    if len(specs) == 1 or kinds & SINGLE or not alike:
        return ()
    if not numbers.missing and not taken:
        return None
    if kinds != {Kind.HEADLESS} or numbers.most > MOST_OF_CLIENTS:
        return ()
    last = f"{stem}-{numbers.most}"
    if taken:
        return (f"{stem}-1 to {last} have one entry each, because there is a session {stem} too.",)
    missing = _ranges(numbers.missing)
    return (
        f"Each session has its own entry, because {stem}-1 to {last} are not complete. Missing: {missing}.",
        "If these sessions share one piece of work, change this: each entry would run as replica 1 of 1. Write one",
        f"entry with name: {stem} and replicas: {numbers.most} (or more, if there were more). Before `apply`, run this",
        f"command for the missing replicas that are done: skaha-apply mark complete '{stem}/{missing}'",
    )


def _alike(one: SessionSpec, other: SessionSpec) -> bool:
    names = ("kind", "image", *names_by_role(type(one), Decides.RESOURCES))
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _ranges(numbers: Iterable[int]) -> str:
    """`1-3,5`, as `mark` and `--target` take it."""
    runs = [
        [number for _, number in run] for _, run in groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0])
    ]
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def _natural(name: str) -> tuple[tuple[bool, int, str], ...]:
    parts = re.split(r"([0-9]+)", name)
    return tuple((part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts)
