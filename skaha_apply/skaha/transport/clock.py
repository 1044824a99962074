"""Time as an argument: one clock for sleeping, deadlines and dates, and the server's time on top of it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from skaha_apply.model.durations import http_date

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

# The `Date` header counts whole seconds and an answer travels for a while: below this, clocks count as equal.
TOLERANCE = 2.0
LAST_MOMENT = 253_402_214_400.0  # the last day of the year 9999; Python has no later dates


class Clock(Protocol):
    """All that the client knows of time; a test gives one that runs faster."""

    def now(self) -> float:
        """Our own wall clock, Unix seconds."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""
        ...

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Raise `TimeoutError` in the block once that many seconds have passed."""
        ...


class SystemClock:
    """The clock of this machine and of the running event loop."""

    def now(self) -> float:
        """Our own wall clock, Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> AbstractAsyncContextManager[object]:
        """Raise `TimeoutError` in the block once that many seconds have passed."""
        return asyncio.timeout(seconds)


class ServerTime:
    """The server's time: our wall clock, shifted when a `Date` header deviates by more than `TOLERANCE`.

    The shift stays put otherwise, so that differences of two times within a process are exact.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._shift = 0.0
        self.known = False

    def now(self) -> float:
        """The server's time, Unix seconds."""
        return self._clock.now() + self._shift

    def learn(self, date: str | None, took: float = 0.0) -> None:
        """Take note of a `Date` header; one that cannot be read teaches nothing.

        `took` are the seconds from the request to the end of its answer: at any moment of them the header may have been
        written, so that a slow answer does not set the clock back.
        """
        told = http_date(date)
        if told is None:
            return
        self.known = True
        deviation = told + 0.5 - self.now()
        if not -TOLERANCE - took <= deviation <= TOLERANCE:
            self._shift += deviation if deviation > 0 else deviation + took
