"""Waits for what only a listing can show: a deleted session has disappeared, or an unconfirmed create is decided."""

from __future__ import annotations

import asyncio
from dataclasses import field, replace
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.session import Phase
from skaha_apply.planning.tracking.deletions import POD_GRACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.apply.context import ExecutionContext
    from skaha_apply.model.session import Observation
    from skaha_apply.model.spec import ReplicaKey

FIRST_WAIT = 0.2  # seconds after a DELETE; each further wait is 1.5 times as long
LONGEST_WAIT = 3.0


@dataclass
class _AwaitedDelete:
    """A deleted session for whose end a job waits."""

    sent: float
    pod: bool  # whether the end of its pod is awaited too
    disappeared: asyncio.Future[bool] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class DeletionWatcher:
    """One loop of listings that serves all waiting jobs, so that a thousand waits cost no more than one.

    Args:
        context: its lister requests the listings, and its ledger is updated from each of them.
        in_flight: the replicas with open requests.
    """

    def __init__(self, context: ExecutionContext, in_flight: Callable[[], frozenset[ReplicaKey]]) -> None:
        self._context = context
        self._in_flight = in_flight
        self._awaited_deletes: dict[str, _AwaitedDelete] = {}
        self._undecided: dict[ReplicaKey, asyncio.Future[bool]] = {}
        self._adopted: set[ReplicaKey] = set()
        self._wake = asyncio.Event()
        self._wait = FIRST_WAIT

    async def wait_until_deleted(self, session_id: str, *, pod: bool) -> bool:
        """Wait until a deleted session has disappeared; False if a listing after the settle time shows no effect.

        With `pod` also wait for the end of its pod, for at most `POD_GRACE` seconds.
        """
        awaited = _AwaitedDelete(self._context.lister.server.now(), pod)
        self._awaited_deletes[session_id] = awaited
        self._wait = FIRST_WAIT
        self._wake.set()
        try:
            return await awaited.disappeared
        finally:
            self._awaited_deletes.pop(session_id, None)

    async def wait_until_decided(self, key: ReplicaKey) -> bool:
        """Wait until a listing decides an unconfirmed create; True if it created a session, which is now recorded."""
        self._adopted.discard(key)
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._undecided[key] = future
        self._wake.set()
        try:
            return await future
        finally:
            self._undecided.pop(key, None)

    async def run(self) -> None:
        """Observe the server while any job waits; runs until it is canceled."""
        while True:
            await self._wake.wait()
            if not self._awaited_deletes and not self._undecided:
                self._wake.clear()
                continue
            await asyncio.sleep(self._next_wait())
            try:
                seen = await self.observe_server()
            except Exception as error:  # noqa: BLE001 - each waiting job must get it, or would wait forever
                self.fail_all_waits(error)
                continue
            self._resolve_waits(seen)

    async def observe_server(self) -> Observation:
        """Observe the server once and update the ledger."""
        pods = [one for one, awaited in self._awaited_deletes.items() if awaited.pod]
        seen = await self._context.lister.observe_server(self._context.ledger.working_state, pods, self._in_flight())
        # Requests that started while the listing was in progress are not decided by it either.
        seen = replace(seen, in_flight=seen.in_flight | self._in_flight())
        adopted, changes = self._context.ledger.update(seen, self._context.settle, self._context.identity)
        self._adopted |= adopted
        for change in changes:
            self._context.observe(change)
        return seen

    def _next_wait(self) -> float:
        """Soon for a delete, then more and more slowly; for an unconfirmed create not before it can be decided."""
        if self._awaited_deletes:
            self._wait = min(self._wait * 1.5, LONGEST_WAIT)
            return self._wait
        given_up = [
            intent.given_up
            for key in self._undecided
            if (intent := self._context.ledger.working_state.intents.get(key)) is not None
            and intent.given_up is not None
        ]
        due = min(given_up, default=0.0) + self._context.settle - self._context.lister.server.now()
        return max(due, 0.0) + 0.05

    def _resolve_waits(self, seen: Observation) -> None:
        for session_id, awaited in tuple(self._awaited_deletes.items()):
            if not awaited.disappeared.done():
                is_deleted = self._is_deleted(session_id, awaited, seen)
                if is_deleted is not None:
                    awaited.disappeared.set_result(is_deleted)
        for key, future in tuple(self._undecided.items()):
            if key not in self._context.ledger.working_state.intents and not future.done():
                future.set_result(key in self._adopted)

    def _is_deleted(self, session_id: str, awaited: _AwaitedDelete, seen: Observation) -> bool | None:
        """True if it has disappeared, False if the DELETE had no effect, None if that is not decided yet."""
        live = seen.session(session_id)
        if live is None:
            waited = seen.listing.at - awaited.sent
            if awaited.pod and session_id not in seen.ended_pods and waited < POD_GRACE:
                return None
            return True if seen.whole else None
        grace = POD_GRACE if live.phase is Phase.TERMINATING else self._context.settle
        return False if seen.listing.asked >= awaited.sent + grace else None

    def fail_all_waits(self, error: Exception) -> None:
        """End every wait with this error."""
        for awaited in self._awaited_deletes.values():
            if not awaited.disappeared.done():
                awaited.disappeared.set_exception(error)
        for future in self._undecided.values():
            if not future.done():
                future.set_exception(error)
