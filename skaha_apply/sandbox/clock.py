"""The sandbox's own clock, which can be moved forward, so that an hour's expiry need not be waited for."""

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
        """Give the present moment in seconds since the epoch."""
        return time.time() + self.offset

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`; a negative amount raises ValueError."""
        if not seconds >= 0:
            raise ValueError("the clock moves forward only")
        self.offset += seconds

    def http_date(self) -> str:
        """Give the present moment as a `Date` header."""
        second = int(self.now())
        if second != self._second:
            self._second, self._header = second, formatdate(second, usegmt=True)
        return self._header
