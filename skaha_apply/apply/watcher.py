"""Waiting for what only a list can tell: that a deleted session is gone, or what an unsure create has left behind."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skaha_apply.model.session import Phase
from skaha_apply.planning.tracking.deletions import POD_GRACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.apply.lister import Lister
    from skaha_apply.model.report import Event
    from skaha_apply.model.session import Observation
    from skaha_apply.model.spec import ReplicaKey

FIRST_LOOK = 0.2  # seconds after a DELETE; each further look waits half as long again
LONGEST_PAUSE = 3.0


@dataclass
class _Departure:
    """A deleted session that somebody waits for."""

    sent: float
    pod: bool  # whether its pod is waited for as well
    gone: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class DeletionWatcher:
    """One loop of lists that serves everybody who waits, so that a thousand waits cost no more than one.

    Args:
        looker: reads the lists.
        ledger: is moved on by each of them.
        settle: seconds after which a list is believed about an unsure request.
        in_flight: the replicas that requests are open for.
        observe: told of every change of phase that a list shows.
    """

    def __init__(
        self,
        looker: Lister,
        ledger: Ledger,
        settle: float,
        in_flight: Callable[[], frozenset[ReplicaKey]],
        observe: Callable[[Event], None],
    ) -> None:
        self._looker = looker
        self._ledger = ledger
        self._settle = settle
        self._in_flight = in_flight
        self._observe = observe
        self._departures: dict[str, _Departure] = {}
        self._doubtful: dict[ReplicaKey, asyncio.Future[bool]] = {}
        self._adopted: set[ReplicaKey] = set()
        self._wake = asyncio.Event()
        self._pause = FIRST_LOOK

    async def departed(self, session_id: str, *, pod: bool) -> bool:
        """Wait until a deleted session is gone; False when a settled list shows that the DELETE had no effect.

        With `pod` also its pod is waited for, for at most `POD_GRACE` seconds.
        """
        departure = _Departure(self._looker.server.now(), pod)
        self._departures[session_id] = departure
        self._pause = FIRST_LOOK
        self._wake.set()
        try:
            return await departure.gone
        finally:
            self._departures.pop(session_id, None)

    async def decided(self, key: ReplicaKey) -> bool:
        """Wait until a settled list has decided an unsure create; True when it had made a session, now adopted."""
        self._adopted.discard(key)
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._doubtful[key] = future
        self._wake.set()
        try:
            return await future
        finally:
            self._doubtful.pop(key, None)

    async def run(self) -> None:
        """Look as long as anybody waits; runs until it is cancelled."""
        while True:
            await self._wake.wait()
            if not self._departures and not self._doubtful:
                self._wake.clear()
                continue
            await asyncio.sleep(self._next_pause())
            try:
                seen = await self.look()
            except Exception as error:  # noqa: BLE001 - whoever waits has to hear of it, or would wait for ever
                self.abandon(error)
                continue
            self._answer(seen)

    async def look(self) -> Observation:
        """One look, by which the ledger is moved on."""
        pods = [one for one, departure in self._departures.items() if departure.pod]
        seen = await self._looker.look(self._ledger.document, pods, self._in_flight())
        # What was begun while the list was under way is none of its business either.
        seen = replace(seen, in_flight=seen.in_flight | self._in_flight())
        adopted, changes = self._ledger.absorb(seen, self._settle)
        self._adopted |= adopted
        for change in changes:
            self._observe(change)
        return seen

    def _next_pause(self) -> float:
        """Soon for a departure, then ever slower; for an unsure create not before it may be decided."""
        if self._departures:
            self._pause = min(self._pause * 1.5, LONGEST_PAUSE)
            return self._pause
        given_up = [
            intent.given_up
            for key in self._doubtful
            if (intent := self._ledger.book.intents.get(key)) is not None and intent.given_up is not None
        ]
        due = min(given_up, default=0.0) + self._settle - self._looker.server.now()
        return max(due, 0.0) + 0.05

    def _answer(self, seen: Observation) -> None:
        for session_id, departure in tuple(self._departures.items()):
            if not departure.gone.done():
                answer = self._departed(session_id, departure, seen)
                if answer is not None:
                    departure.gone.set_result(answer)
        for key, future in tuple(self._doubtful.items()):
            if key not in self._ledger.book.intents and not future.done():
                future.set_result(key in self._adopted)

    def _departed(self, session_id: str, departure: _Departure, seen: Observation) -> bool | None:
        """True when it is gone, False when it stays, None when that cannot be told yet."""
        live = seen.session(session_id)
        if live is None:
            waited = seen.listing.at - departure.sent
            if departure.pod and session_id not in seen.pods_gone and waited < POD_GRACE:
                return None
            return True if seen.whole else None
        grace = POD_GRACE if live.phase is Phase.TERMINATING else self._settle
        return False if seen.listing.asked >= departure.sent + grace else None

    def abandon(self, error: Exception) -> None:
        """End every wait with this error."""
        for departure in self._departures.values():
            if not departure.gone.done():
                departure.gone.set_exception(error)
        for future in self._doubtful.values():
            if not future.done():
                future.set_exception(error)
