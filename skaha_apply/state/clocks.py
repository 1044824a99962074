"""The clocks that decide about a lock: how long ago it was proved, and what time the state store has.

The wall clock of this machine never decides when a lease ends. It only helps to notice that time has passed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

# Seconds for which a proof of the lock is enough to send requests; far below the lease.
TRUSTED = 60.0
# Seconds that two clocks may differ before the user is warned.
TOLERANCE = 60.0

# CLOCK_MONOTONIC of Linux stands still while the machine is suspended; that of macOS does not.
_RUNNING = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Moment(NamedTuple):
    """One moment by both clocks of this machine, in seconds."""

    wall: float
    running: float


@dataclass(frozen=True)
class Clocks:
    """The clocks of this machine; tests give others.

    Args:
        wall: Unix seconds; somebody may set it.
        running: seconds that also pass while the machine is suspended or the process is stopped.
    """

    wall: Callable[[], float] = time.time
    running: Callable[[], float] = field(default=lambda: time.clock_gettime(_RUNNING))

    def moment(self) -> Moment:
        """Now."""
        return Moment(self.wall(), self.running())

    def since(self, moment: Moment) -> float:
        """Seconds since a moment, by the clock that counted more of them."""
        return max(now - then for now, then in zip(self.moment(), moment, strict=True))


class Proof:
    """When it was last shown that the lock is ours.

    A process that was stopped, and a machine that slept, may have lost the lock meanwhile. So whoever sends a create, a
    delete, a renewal or a write asks here first whether the proof is still fresh.
    """

    def __init__(self, clocks: Clocks) -> None:
        self.clocks = clocks
        self._at: Moment | None = None

    @property
    def fresh(self) -> bool:
        """Whether the proof is at most `TRUSTED` seconds old."""
        return self._at is not None and self.clocks.since(self._at) <= TRUSTED

    def renew(self, begun: Moment) -> None:
        """Record a proof by a request that was begun at this moment: what it showed may be as old as that."""
        self._at = begun

    def void(self) -> None:
        """Drop the proof."""
        self._at = None


class StoreTime:
    """The time of a state store: its last `Date` header, and what has passed since."""

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._date: float | None = None
        self._at = Moment(0.0, 0.0)
        self.ahead = 0.0  # seconds that the clock of this machine is ahead of the store's

    def learn(self, date: float | None, begun: Moment) -> None:
        """Take note of the `Date` of an answer, None without one; `begun` is when its request was sent."""
        if date is None:
            return
        now = self._clocks.moment()
        self._date, self._at = date, now
        # The store wrote the date between both moments, and cut it to a whole second.
        early, late = begun.wall - date - 1.0, now.wall - date
        self.ahead = early if early > 0 else min(late, 0.0)

    def now(self) -> float | None:
        """The store's time in Unix seconds; None as long as no answer had a `Date`."""
        return None if self._date is None else self._date + self._clocks.running() - self._at.running
