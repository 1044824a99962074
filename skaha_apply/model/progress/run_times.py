"""The run times of finished replicas. A listing shows that a session has ended, not when, so each has two bounds.

A pass of a wait lists every few seconds, so both bounds are nearly the same. After a night without a listing, they are
hours apart. A typical value therefore comes from the run times that are known closely.
"""

from __future__ import annotations

from dataclasses import field
from functools import cached_property
from math import ceil, floor
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

CLOSE_SHARE = 0.1  # of a run time: the bounds of a run time that is known closely differ by this at most
# Seconds: or by this at most. A killed process leaves a last listing in the state that is up to two minutes old.
CLOSE = 180.0
LEAST_NUMBER = 4  # run times, below which they show no spread
_SHORT = 0.1  # the share of run times that count as short, and the share that count as long

Bounds = tuple[float, float]  # the most and the least seconds that a replica ran


@dataclass(frozen=True)
class RunTimes:
    """The run times of some replicas, sorted; see `Bounds`.

    A run time that is known closely counts with its upper bound, which is the time to the listing that showed the end.
    If none is known closely, all of them count so, and a typical value is an upper bound. It is one too if the upper
    bounds of all run times limit it.
    """

    bounds: tuple[Bounds, ...] = field(default=())

    def with_more(self, more: Iterable[Bounds]) -> RunTimes:
        """These run times and others."""
        new = list(more)
        return RunTimes(tuple(sorted([*self.bounds, *new]))) if new else self

    @cached_property
    def counted(self) -> tuple[float, ...]:
        """The run times that a typical value comes from, in seconds, sorted."""
        return self._close or self._most

    @property
    def are_upper_bounds(self) -> bool:
        """Whether no run time is known closely, or those that are known closely are longer than all allow."""
        if not self.bounds:
            return False
        return not self._close or _median(self._close) > _median(self._most)

    @cached_property
    def median(self) -> float | None:
        """The median in seconds; None without a run time."""
        return self._typical(_median) if self.bounds else None

    @cached_property
    def spread(self) -> tuple[float, float] | None:
        """The run times in seconds that 10 % and 90 % do not exceed.

        None if too few are known closely, or the median is an upper bound.
        """
        if self.are_upper_bounds or len(self.counted) < LEAST_NUMBER:
            return None
        return self._typical(_short), self._typical(_long)

    @cached_property
    def _close(self) -> tuple[float, ...]:
        return tuple(one[0] for one in self.bounds if is_close(one))

    @cached_property
    def _most(self) -> tuple[float, ...]:
        return tuple(most for most, _ in self.bounds)

    def _typical(self, value: Callable[[Sequence[float]], float]) -> float:
        """A value of the run times that are known closely, as far as the bounds of all run times allow it.

        Passes that are far apart know only long run times closely, and a wait that ended early only short ones.
        """
        found = value(self.counted)
        if len(self.counted) == len(self.bounds):
            return found
        least = sorted(least for _, least in self.bounds)
        return min(max(found, value(least)), value(self._most))


def bounds_of(started: float | None, ended_after: float | None, ended: float | None) -> Bounds | None:
    """The bounds of a run time; None if it has not started or ended, or no listing showed the end.

    Args:
        started: in Unix seconds, as the other times.
        ended_after: the last time at which the session is known to have existed.
        ended: the time of the listing that showed the end. A session that vanished and counts as complete has the time
            of the last listing that showed it, and perhaps ran longer.
    """
    if started is None or ended is None:
        return None
    last = started if ended_after is None else ended_after
    return (max(0.0, ended - started), max(0.0, last - started)) if last < ended else None


def is_close(bounds: Bounds) -> bool:
    """Whether a run time is known closely."""
    most, least = bounds
    return most - least <= max(CLOSE, CLOSE_SHARE * most)


def _median(ordered: Sequence[float]) -> float:
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _short(ordered: Sequence[float]) -> float:
    return ordered[floor((len(ordered) - 1) * _SHORT)]


def _long(ordered: Sequence[float]) -> float:
    return ordered[ceil((len(ordered) - 1) * (1 - _SHORT))]
