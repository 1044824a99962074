"""The sandbox's own clock. Tests move it forward, so that they need not wait an hour for an expiry."""

from __future__ import annotations

import time
from email.utils import formatdate


class SandboxClock:
    """Seconds since the epoch plus an offset that only grows."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset
        self._second = -1
        self._header = ""

    def now(self) -> float:
        """Return the current time in seconds since the epoch."""
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`; a negative amount raises ValueError."""
        if not seconds >= 0:
            raise ValueError("the clock can only move forward")
        self.offset += seconds

    def http_date(self) -> str:
        """Return the current time as the value of a `Date` header."""
        second = int(self.now())
        if second != self._second:
            self._second, self._header = second, formatdate(second, usegmt=True)
        return self._header
