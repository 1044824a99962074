"""Time as an argument: one clock for waits, deadlines and dates, and the time of the server."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from skaha_apply.model.durations import http_date

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

# Clocks that differ less count as equal: the `Date` header has whole seconds, and a response takes time to arrive.
TOLERANCE = 2.0
LAST_MOMENT = 253_402_214_400.0  # the last day of the year 9999; Python has no later dates


class Clock(Protocol):
    """The time for the client; tests use a faster one."""

    def now(self) -> float:
        """The wall clock of this machine, in Unix seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for this number of seconds."""
        ...

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Raise `TimeoutError` in the block after this number of seconds."""
        ...


class SystemClock:
    """The clock of this machine and of the running event loop."""

    def now(self) -> float:
        """The wall clock of this machine, in Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait for this number of seconds."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Raise `TimeoutError` in the block after this number of seconds."""
        return asyncio.timeout(seconds)


class ServerTime:
    """The time of the server: the wall clock of this machine plus a shift.

    The shift changes only if a `Date` header deviates by more than `TOLERANCE`. So the difference of two times within a
    process is exact.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shift = 0.0
        self.known = False

    def now(self) -> float:
        """The server's time, Unix seconds."""
        return self._clock.now() + self._shift

    def record(self, date: str | None, took: float = 0.0) -> None:
        """Use a `Date` header; one that cannot be read is ignored.

        `took` is the time from the request to the end of its response, in seconds. The server can have written the
        header at any moment of it, so a slow response does not set the clock back.
        """
        seconds = http_date(date)
        if seconds is None:
            return
        self.known = True
        deviation = seconds + 0.5 - self.now()
        if not -TOLERANCE - took <= deviation <= TOLERANCE:
            self._shift += deviation if deviation > 0 else deviation + took
