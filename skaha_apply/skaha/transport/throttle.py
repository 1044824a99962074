"""How many requests may be in flight: fewer while the server is overloaded, one at a time while it is away.

The window follows TCP's rules [RFC 5681]: halved when the server says it is too much, at most once per round trip;
doubling until the halved size, then growing by one per window of good answers. A single 503 is a hiccup of one request
[TransientException]; several in a row, with no good answer between them, mean that the server is down.
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
QUIET = 15.0  # seconds for which it is not worth a word that the server is away
_ROUNDING = 1e-6


class Entry(Enum):
    """How a wait at the gate ended."""

    GRANTED = "granted"
    STOPPED = "stopped"
    GIVEN_UP = "given up"


class RequestThrottle:
    """Lets at most `window` requests through at a time, in the order in which they came.

    Args:
        limit: the most that may ever be in flight.
        patience: seconds after which a server that is away is given up.
        clock: what to sleep by.
        tell: told when the server has been away for longer than `QUIET`, and when it is back; with those seconds.
    """

    def __init__(
        self,
        limit: int,
        patience: float,
        clock: Clock,
        tell: Callable[[bool, float], None] = lambda _away, _seconds: None,
    ) -> None:
        self._limit = limit
        self._clock = clock
        self.patience = patience
        self.window = float(limit)
        self._threshold = float(limit)
        self._active = 0
        self._waiting: deque[asyncio.Future[Entry]] = deque()
        self._refusals = 0
        self._probes = 0
        self._away_since: float | None = None
        self._tell = tell
        self._told = False
        self._paused_until = 0.0
        self._last_cut = -1.0
        self._timer: asyncio.Task[None] | None = None
        self.stopped = asyncio.Event()

    async def enter(self) -> Entry:
        """Wait for a place. `leave` must follow when it was granted."""
        if self.stopped.is_set():
            return Entry.STOPPED
        if self._given_up():
            return Entry.GIVEN_UP
        place: asyncio.Future[Entry] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._admit()
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.result() is Entry.GRANTED:
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place back."""
        self._active -= 1
        self._admit()

    def answered(self) -> None:
        """The server gave an answer that shows it at work."""
        self._refusals = self._probes = 0
        if self._told and self._away_since is not None:
            self._told = False
            self._tell(False, self._clock.monotonic() - self._away_since)
        self._away_since = None
        grown = self.window + (1.0 if self.window < self._threshold else 1.0 / self.window)
        self.window = min(grown, float(self._limit))
        self._admit()

    def refused(self, begun: float, pause: float, *, asked: bool = False, too_many: bool = False) -> None:
        """The server refused a request for the moment, or was not there.

        Args:
            begun: when that request was sent, by the monotonic clock.
            pause: seconds for which all requests rest if the server is away.
            asked: whether the server itself named those seconds.
            too_many: whether it said 429, which is about all our requests, not this one.
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
            if not self._told and now - self._away_since >= QUIET:
                self._told = True
                self._tell(True, now - self._away_since)
        if away or asked:
            left = self._away_since + self.patience - now
            # The last probe comes when patience ends, not a long pause later.
            rest = pause if asked or left <= 0 else min(pause, left)
            self._paused_until = max(self._paused_until, now + rest)
        if self._given_up():
            self._release(Entry.GIVEN_UP)

    @property
    def probes(self) -> int:
        """How many round trips in a row have shown that the server is away."""
        return self._probes

    def stop(self) -> None:
        """Let nothing through from now on."""
        self.stopped.set()
        self._release(Entry.STOPPED)

    def close(self) -> None:
        """End what waits for a pause to pass."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _given_up(self) -> bool:
        # Only within a pause: whoever comes after it may probe once more.
        if self._away_since is None or self._refusals < AWAY_AFTER:
            return False
        over = self._away_since + self.patience + _ROUNDING
        return self._clock.monotonic() < self._paused_until and self._paused_until > over

    def _admit(self) -> None:
        if self._waiting and self._clock.monotonic() < self._paused_until:
            if self._timer is None:
                self._timer = asyncio.get_running_loop().create_task(self._pass_pause())
            return
        while self._waiting and self._active < int(self.window):
            place = self._waiting.popleft()
            if not place.done():
                self._active += 1
                place.set_result(Entry.GRANTED)

    async def _pass_pause(self) -> None:
        while (left := self._paused_until - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)
        self._timer = None
        self._admit()

    def _release(self, entry: Entry) -> None:
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(entry)
