"""The clocks that decide about a lock: the time since its last proof, and the time of the state store.

The wall clock of this machine never decides when a lease ends. It only helps to notice that time has passed.
"""

from __future__ import annotations

import time
from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds for which a proof of the lock allows requests; far below the lease.
TRUSTED = 60.0
# Seconds that two clocks may differ before the user is warned.
TOLERANCE = 60.0

# While a machine is suspended, CLOCK_MONOTONIC of Linux stops and that of macOS continues.
_RUNNING = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Moment(NamedTuple):
    """One moment by both clocks of this machine, in seconds."""

    wall: float
    running: float


@dataclass(frozen=True)
class Clocks:
    """The clocks of this machine; tests replace them.

    Args:
        wall: Unix seconds; a user can set this clock.
        running: seconds that also pass while the machine is suspended or the process is stopped.
    """

    wall: Callable[[], float] = time.time
    running: Callable[[], float] = field(default=lambda: time.clock_gettime(_RUNNING))

    def moment(self) -> Moment:
        """The present moment, in seconds."""
        return Moment(self.wall(), self.running())

    def since(self, moment: Moment) -> float:
        """Seconds since a moment, by the clock that shows more."""
        return max(now - then for now, then in zip(self.moment(), moment, strict=True))


class LockProof:
    """The last time at which the store showed that this process has the lock.

    A stopped process, or a machine that slept, might have lost the lock meanwhile. So the tool checks the age of the
    proof before it sends a create, a delete, a renewal or a write.
    """

    def __init__(self, clocks: Clocks) -> None:
        self.clocks = clocks
        self._at: Moment | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether the proof is at most `TRUSTED` seconds old."""
        return self._at is not None and self.clocks.since(self._at) <= TRUSTED

    def renew(self, begun: Moment) -> None:
        """Record a proof from a request that started at `begun`; the response can be as old as that."""
        self._at = begun

    def invalidate(self) -> None:
        """Drop the proof, so that the next use checks the lock again."""
        self._at = None


class StoreTime:
    """The time of a state store: its last `Date` header plus the time since then."""

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._date: float | None = None
        self._at = Moment(0.0, 0.0)
        self.ahead = 0.0  # seconds that the clock of this machine is ahead of the store's

    def record(self, date: float | None, begun: Moment) -> None:
        """Record the `Date` of a response (None if absent) to a request that was sent at `begun`."""
        if date is None:
            return
        now = self._clocks.moment()
        self._date, self._at = date, now
        # The store wrote the date between both moments, and rounded it down to a whole second.
        early, late = begun.wall - date - 1.0, now.wall - date
        self.ahead = early if early > 0 else min(late, 0.0)

    def now(self) -> float | None:
        """The time of the store in Unix seconds; None until a response has a `Date`."""
        return None if self._date is None else self._date + self._clocks.running() - self._at.running
