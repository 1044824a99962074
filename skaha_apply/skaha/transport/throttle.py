"""Limit the requests in flight: fewer while the server is overloaded, one at a time while it is unavailable.

The window follows the rules of TCP [RFC 5681]. It is halved when the server reports overload, at most once per round
trip. A good response makes it grow: by one below the halved size, by one per window above. A single 503 concerns one
request [TransientException]. Several in a row, without a good response between them, mean an unavailable server.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.skaha.transport.clock import Clock

AWAY_AFTER = 3
QUIET = 15.0  # seconds of an outage before it is reported
_ROUNDING = 1e-6


class Admission(Enum):
    """The result of `RequestThrottle.enter`."""

    GRANTED = "granted"
    STOPPED = "stopped"
    TIMED_OUT = "timed out"


class RequestThrottle:
    """Admits at most `window` requests at a time, in the order in which they arrived.

    Args:
        limit: the largest number of requests in flight.
        patience: seconds of an outage after which requests time out.
        clock: the clock for waits.
        report: called with True when an outage is longer than `QUIET`, with False when the server is back, and with
            the seconds of the outage.
    """

    def __init__(
        self,
        limit: int,
        patience: float,
        clock: Clock,
        report: Callable[[bool, float], None] = lambda _away, _seconds: None,
    ) -> None:
        self._limit = limit
        self._clock = clock
        self.patience = patience
        self.window = float(limit)
        self._threshold = float(limit)
        self._active = 0
        self._waiting: deque[asyncio.Future[Admission]] = deque()
        self._refusals = 0
        self._probes = 0
        self._away_since: float | None = None
        self._report = report
        self._is_reported = False
        self._resumes_at = 0.0
        self._last_cut = -1.0
        self._timer: asyncio.Task[None] | None = None
        self.stopped = asyncio.Event()

    async def enter(self) -> Admission:
        """Wait for a slot. Call `leave` after `GRANTED`."""
        if self.stopped.is_set():
            return Admission.STOPPED
        if self._is_timed_out():
            return Admission.TIMED_OUT
        slot: asyncio.Future[Admission] = asyncio.get_running_loop().create_future()
        self._waiting.append(slot)
        self._admit()
        try:
            return await slot
        except asyncio.CancelledError:
            if slot.done() and not slot.cancelled() and slot.result() is Admission.GRANTED:
                self.leave()
            raise

    def leave(self) -> None:
        """Free the slot."""
        self._active -= 1
        self._admit()

    def record_success(self) -> None:
        """Record a response that shows that the server works."""
        self._refusals = self._probes = 0
        if self._is_reported and self._away_since is not None:
            self._is_reported = False
            self._report(False, self._clock.monotonic() - self._away_since)
        self._away_since = None
        grown = self.window + (1.0 if self.window < self._threshold else 1.0 / self.window)
        self.window = min(grown, float(self._limit))
        self._admit()

    def record_refusal(self, begun: float, delay: float, *, asked: bool = False, too_many: bool = False) -> None:
        """Record that the server refused a request for a moment, or could not be reached.

        Args:
            begun: when that request was sent, by the monotonic clock.
            delay: seconds for which all requests wait if the server is unavailable.
            asked: whether the server asked for these seconds.
            too_many: whether the response was 429, which concerns all requests of this client.
        """
        now = self._clock.monotonic()
        self._refusals += 1
        if self._away_since is None:
            self._away_since = now
        away = self._refusals >= AWAY_AFTER
        if not (away or too_many):
            return
        if begun > self._last_cut:
            self._probes += 1
            self._threshold = max(1.0, self.window // 2)
            self.window = self._threshold
            self._last_cut = now
        if away:
            self.window = 1.0
            if not self._is_reported and now - self._away_since >= QUIET:
                self._is_reported = True
                self._report(True, now - self._away_since)
        if away or asked:
            left = self._away_since + self.patience - now
            # The last probe is sent when the patience ends, not a long delay later.
            wait = delay if asked or left <= 0 else min(delay, left)
            self._resumes_at = max(self._resumes_at, now + wait)
        if self._is_timed_out():
            self._end_all(Admission.TIMED_OUT)

    @property
    def probes(self) -> int:
        """The number of consecutive round trips that have shown an unavailable server."""
        return self._probes

    def stop(self) -> None:
        """Admit no request from now on."""
        self.stopped.set()
        self._end_all(Admission.STOPPED)

    def resume(self) -> None:
        """Admit requests again."""
        self.stopped.clear()

    def close(self) -> None:
        """Cancel the timer of a delay."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_timed_out(self) -> bool:
        # Only during a delay: a request that arrives later can probe once more.
        if self._away_since is None or self._refusals < AWAY_AFTER:
            return False
        over = self._away_since + self.patience + _ROUNDING
        return self._clock.monotonic() < self._resumes_at and self._resumes_at > over

    def _admit(self) -> None:
        if self._waiting and self._clock.monotonic() < self._resumes_at:
            if self._timer is None:
                self._timer = asyncio.get_running_loop().create_task(self._admit_after_delay())
            return
        while self._waiting and self._active < int(self.window):
            slot = self._waiting.popleft()
            if not slot.done():
                self._active += 1
                slot.set_result(Admission.GRANTED)

    async def _admit_after_delay(self) -> None:
        while (left := self._resumes_at - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
        self._timer = None
        self._admit()

    def _end_all(self, result: Admission) -> None:
        while self._waiting:
            slot = self._waiting.popleft()
            if not slot.done():
                slot.set_result(result)
