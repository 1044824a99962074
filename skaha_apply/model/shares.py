"""A list, and how the strategies of a helper would share it out over replicas, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class Helper(StrEnum):
    """Whose `chunk` and `stripe` deal: this package's, or the published client's (`canfar.helpers.distributed`)."""

    SKAHA_APPLY = "skaha-apply"
    CANFAR = "canfar"

    @property
    def module(self) -> str:
        """What a payload imports."""
        return "canfar.helpers.distributed" if self is Helper.CANFAR else "skaha_apply.distributed"


class Unit(StrEnum):
    """What load is counted in; a weight has the unit of whoever wrote it."""

    BYTES = "bytes"
    ITEMS = "items"
    WEIGHT = "weight"


class Load(StrEnum):
    """What load is: the size of files, one for each item, or the number at the end of each line."""

    SIZE = "size"
    COUNT = "count"
    COLUMN = "column"


@dataclass(frozen=True)
class Listing:
    """A list as every replica sees it, in its order, with the load of each item in `unit` (none is negative).

    `source` says where it comes from, `order` which order is assumed, `notes` what a user should know of the reading.
    """

    items: tuple[str, ...]
    weights: tuple[float, ...]
    unit: Unit
    source: str
    order: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """What one replica gets: how many items, their load, and the first and last of them."""

    replica: int
    items: int
    load: float
    first: str | None = None
    last: str | None = None


@dataclass(frozen=True)
class Dealt:
    """A list as one strategy deals it; `parts` has every replica, in order, and some load is not zero."""

    strategy: str
    parts: tuple[Part, ...]

    @cached_property
    def total(self) -> float:
        """The load of all."""
        return sum(part.load for part in self.parts)

    @cached_property
    def mean(self) -> float:
        """The load of a replica if all had the same; replicas without items count."""
        return self.total / len(self.parts)

    @cached_property
    def largest(self) -> Part:
        """The first of the replicas with the most to do."""
        return max(self.parts, key=lambda part: part.load)

    @cached_property
    def smallest(self) -> Part:
        """The first of the replicas with the least to do."""
        return min(self.parts, key=lambda part: part.load)

    @cached_property
    def empty(self) -> int:
        """How many replicas get no item."""
        return sum(not part.items for part in self.parts)

    @property
    def imbalance(self) -> float:
        """The largest share over the mean: how many times longer the last replica runs than need be; 1 is even."""
        return self.largest.load / self.mean


@dataclass(frozen=True)
class Preview:
    """Both strategies of a helper on one list, which of them to `take` and why, and what else is worth knowing."""

    listing: Listing
    helper: Helper
    dealt: tuple[Dealt, ...]
    take: str
    reason: str
    notes: tuple[str, ...] = ()

    @property
    def replicas(self) -> int:
        """Over how many replicas it is shared."""
        return len(self.dealt[0].parts)
