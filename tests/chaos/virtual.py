"""Time that passes only while everybody sleeps: hours of retries, settle times and polls in milliseconds.

Threads are played, not used: what is given to one is done at a drawn moment, so that a run is the same each time.
"""

from __future__ import annotations

import asyncio
import selectors
from dataclasses import dataclass

MOST_TURNS = 200_000  # of an event loop, which no run of these tests needs
EPOCH = 1_790_000_000.0  # Unix time at which virtual time begins


@dataclass
class Timeline:
    """The one time of a world, seconds since its beginning; it outlives the processes in it."""

    now: float = 0.0


class Deadlock(Exception):
    """Everybody waits, and for nothing that time brings."""


class _Selector(selectors.SelectSelector):
    """Instead of waiting for a socket, lets time pass."""

    def __init__(self, timeline, turned):
        super().__init__()
        self.timeline = timeline
        self.turned = turned
        self.turns = 0

    def select(self, timeout=None):
        self.turns += 1
        self.turned()
        if self.turns > MOST_TURNS:
            raise Deadlock(f"it goes in circles: {self.turns} turns, and no end at {self.timeline.now:.0f} s")
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise Deadlock("everybody waits for something that will not come")
        self.timeline.now += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on a timeline.

    Args:
        timeline: the time to use and to move on.
        draw: seconds that a thread takes before it does its work, and again before its result is known.
        turned: called at each turn of the loop.
    """

    def __init__(self, timeline, draw=lambda: 0.0, turned=lambda: None):
        self._timeline = timeline
        self._virtual = _Selector(timeline, turned)
        super().__init__(self._virtual)
        self._draw = draw
        self.complaints = []
        self.set_exception_handler(lambda _, context: self.complaints.append(context))

    def time(self):
        return self._virtual.timeline.now

    def run_in_executor(self, executor, func, *args):
        future = self.create_future()

        def work():
            try:
                result, error = func(*args), None
            except Exception as caught:  # noqa: BLE001 - handed on, as a thread pool does
                result, error = None, caught
            self.call_later(self._draw(), deliver, result, error)

        def deliver(result, error):
            if not future.done():
                future.set_exception(error) if error else future.set_result(result)

        self.call_later(self._draw(), work)
        return future

    def end(self):
        """Cancel what is left, in a time of its own that nobody else sees; gives what was left."""
        left = [task for task in asyncio.all_tasks(self) if not task.done()]
        self._virtual.turns, self._virtual.turned = 0, lambda: None
        self._virtual.timeline = Timeline(self._timeline.now)
        # Who was stopped in its last turn has left a call behind that would stop the next run as well.
        self.call_soon(self.stop)
        self.run_forever()
        for task in left:
            task.cancel()
        if left:
            self.run_until_complete(asyncio.wait(left, timeout=1000))
        self.run_until_complete(asyncio.sleep(0))
        self.close()
        return left


class VirtualClock:
    """The clock of a client: its wall clock may be wrong by `skew` seconds."""

    def __init__(self, timeline, skew=0.0):
        self._timeline = timeline
        self._skew = skew

    def now(self):
        return EPOCH + self._timeline.now + self._skew

    def monotonic(self):
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)

    def timeout(self, seconds):
        return asyncio.timeout(seconds)
