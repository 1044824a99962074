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


class LoadUnit(StrEnum):
    """What load is counted in; a weight has the unit of whoever wrote it."""

    BYTES = "bytes"
    ITEMS = "items"
    WEIGHT = "weight"


class LoadKind(StrEnum):
    """What load is: the size of files, one for each item, or the number at the end of each line."""

    SIZE = "size"
    COUNT = "count"
    COLUMN = "column"


@dataclass(frozen=True)
class ItemList:
    """A list as every replica sees it, in its order, with the load of each item in `unit` (none is negative).

    `source` says where it comes from, `order` which order is assumed, `notes` what a user should know of the reading.
    """

    items: tuple[str, ...]
    weights: tuple[float, ...]
    unit: LoadUnit
    source: str
    order: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplicaShare:
    """What one replica gets: how many items, their load, and the first and last of them."""

    replica: int
    items: int
    load: float
    first: str | None = None
    last: str | None = None


@dataclass(frozen=True)
class StrategyShares:
    """A list as one strategy deals it; `shares` has every replica, in order, and some load is not zero."""

    strategy: str
    shares: tuple[ReplicaShare, ...]

    @cached_property
    def total(self) -> float:
        """The load of all."""
        return sum(part.load for part in self.shares)

    @cached_property
    def mean(self) -> float:
        """The load of a replica if all had the same; replicas without items count."""
        return self.total / len(self.shares)

    @cached_property
    def largest(self) -> ReplicaShare:
        """The first of the replicas with the most to do."""
        return max(self.shares, key=lambda part: part.load)

    @cached_property
    def smallest(self) -> ReplicaShare:
        """The first of the replicas with the least to do."""
        return min(self.shares, key=lambda part: part.load)

    @cached_property
    def empty(self) -> int:
        """How many replicas get no item."""
        return sum(not part.items for part in self.shares)

    @property
    def imbalance(self) -> float:
        """The largest share over the mean: how many times longer the last replica runs than need be; 1 is even."""
        return self.largest.load / self.mean


@dataclass(frozen=True)
class SplitPreview:
    """The shares of both strategies of a helper for one list, the `recommended` strategy, and the `reason` for it."""

    listing: ItemList
    helper: Helper
    strategies: tuple[StrategyShares, ...]
    recommended: str
    reason: str
    notes: tuple[str, ...] = ()

    @property
    def replicas(self) -> int:
        """Over how many replicas it is shared."""
        return len(self.strategies[0].shares)
