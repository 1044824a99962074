"""A list, and its shares under the strategies of a helper, for the preview of `split`."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property

from skaha_apply.lazy_dataclass import dataclass


class Helper(StrEnum):
    """The module with `chunk` and `stripe`: of this package, or of the client (`canfar.helpers.distributed`)."""

    SKAHA_APPLY = "skaha-apply"
    CANFAR = "canfar"

    @property
    def module(self) -> str:
        """The module that a payload imports."""
        return "canfar.helpers.distributed" if self is Helper.CANFAR else "skaha_apply.distributed"


class LoadUnit(StrEnum):
    """The unit of the load; a weight has the unit that its author chose."""

    BYTES = "bytes"
    ITEMS = "items"
    WEIGHT = "weight"


class LoadKind(StrEnum):
    """The measure of load: the size of files, the count of items, or the number at the end of each line."""

    SIZE = "size"
    COUNT = "count"
    COLUMN = "column"


@dataclass(frozen=True)
class ItemList:
    """A list in the order that every replica reads, with the load of each item in `unit` (none is negative).

    `source` names its origin, `order` the assumed order, `notes` what a user should know about how it was read.
    """

    items: tuple[str, ...]
    weights: tuple[float, ...]
    unit: LoadUnit
    source: str
    order: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplicaShare:
    """The share of one replica: the number of items, their load, and the first and the last item."""

    replica: int
    items: int
    load: float
    first: str | None = None
    last: str | None = None


@dataclass(frozen=True)
class StrategyShares:
    """The shares under one strategy, in the order of the replicas; at least one load is above zero."""

    strategy: str
    shares: tuple[ReplicaShare, ...]

    @cached_property
    def total(self) -> float:
        """The load of all items."""
        return sum(part.load for part in self.shares)

    @cached_property
    def mean(self) -> float:
        """The mean load of a replica; replicas without items count."""
        return self.total / len(self.shares)

    @cached_property
    def largest(self) -> ReplicaShare:
        """The share with the largest load; the first one if several are equal."""
        return max(self.shares, key=lambda part: part.load)

    @cached_property
    def smallest(self) -> ReplicaShare:
        """The share with the smallest load; the first one if several are equal."""
        return min(self.shares, key=lambda part: part.load)

    @cached_property
    def empty(self) -> int:
        """The number of replicas without an item."""
        return sum(not part.items for part in self.shares)

    @property
    def imbalance(self) -> float:
        """The largest load divided by the mean: how much longer the slowest replica runs; 1 is even."""
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
        """The number of replicas."""
        return len(self.strategies[0].shares)
