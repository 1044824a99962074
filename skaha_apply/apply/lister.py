"""One observation of the server: the listing, and look-ups by ID where the listing alone proves nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from skaha_apply.model.errors import Forbidden, ServerError, Unauthorized
from skaha_apply.model.masking.session_ids import is_hidden
from skaha_apply.model.session import Observation
from skaha_apply.planning.records import is_open
from skaha_apply.planning.tracking.hidden_ids import lost_ids, reveal_ids

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from skaha_apply.model.ports import Server
    from skaha_apply.model.session import Listing, LiveSession
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.planning.working_state import WorkingState

T = TypeVar("T")
MOST_LISTINGS = 3  # listings that are requested before an incomplete one is used
INTERVAL = 1.0  # seconds between two listings
EMPTY_INTERVAL = 0.1  # seconds until an unexpected empty listing is requested again
_AT_ONCE = 64


class Lister:
    """Observes the server for one state.

    A listing can lag, and servers have returned an empty one by accident. So each unfinished session that is not listed
    is looked up by ID, and only a 404 proves that it has disappeared. A listing that omits an existing session proves
    nothing about others, and an unexpected empty one is requested twice.

    `latest` is the last listing.

    Args:
        server: the server, with the account that owns the state.
        settle: seconds for which a new session can be missing from listings.
    """

    def __init__(self, server: Server, settle: float) -> None:
        self.server = server
        self._settle = settle
        self._found: float | None = None
        self.latest: Listing | None = None

    async def observe_server(
        self,
        state: WorkingState,
        pods: Iterable[str] = (),
        in_flight: frozenset[ReplicaKey] = frozenset(),
    ) -> Observation:
        """The listing, and the look-ups by ID in addition to it.

        Args:
            state: decides which sessions are looked up; a digest of an ID in it becomes the ID, if it is listed.
            pods: deleted IDs whose pods are looked up, once they are no longer listed.
            in_flight: replicas for which this process has open requests.

        Raises:
            ServerError: the listing cannot be read.
        """
        for attempt in range(MOST_LISTINGS):
            before, listing = self.latest, await self.server.sessions()
            self.latest = listing
            if self._found is None:
                self._found = listing.asked
            reveal_ids(state, listing)
            alive, not_found, failed_lookups = await self._look_up(
                _unlisted_ids(state, listing, self._settle, in_flight)
            )
            opened = state.records.group(is_open).values()
            seen_before = {record.id for record in opened if record.seen is not None}
            whole = not any(one in seen_before for one in alive)
            is_unexpected = attempt == 0 and not listing.sessions and _is_unexpectedly_empty(before, state)
            if whole and not is_unexpected:
                break
            if attempt + 1 < MOST_LISTINGS:
                await asyncio.sleep(EMPTY_INTERVAL if whole else INTERVAL)
        lost, expired = lost_ids(state, listing)
        unlisted = [one for one in pods if one not in listing.by_id and not is_hidden(one)]
        return Observation(
            listing=listing,
            found=self._found or listing.asked,
            alive=alive,
            not_found=not_found | expired,
            failed_lookups=failed_lookups | lost,
            ended_pods=await self._ended_pods(unlisted),
            in_flight=in_flight,
            whole=whole,
        )

    async def _look_up(self, ids: list[str]) -> tuple[dict[str, LiveSession], frozenset[str], frozenset[str]]:
        """The sessions that exist, the IDs that the server does not find, and the IDs without a usable response."""
        slots = asyncio.Semaphore(_AT_ONCE)

        async def ask(session_id: str) -> LiveSession | bool | None:
            async with slots:
                try:
                    return await self.server.session(session_id)
                except ServerError as error:
                    _raise_refusal(error)
                    return False

        responses = dict(zip(ids, await _gather_or_cancel(map(ask, ids)), strict=True))
        alive = {one: found for one, found in responses.items() if found is not None and not isinstance(found, bool)}
        not_found = frozenset(one for one, response in responses.items() if response is None)
        return alive, not_found, frozenset(one for one, response in responses.items() if response is False)

    async def _ended_pods(self, ids: list[str]) -> frozenset[str]:
        slots = asyncio.Semaphore(_AT_ONCE)

        async def stopped(session_id: str) -> bool:
            async with slots:
                try:
                    return await self.server.events(session_id) is None
                except ServerError as error:
                    _raise_refusal(error)
                    return False

        responses = await _gather_or_cancel(map(stopped, ids))
        return frozenset(one for one, ended in zip(ids, responses, strict=True) if ended)


def _raise_refusal(error: ServerError) -> None:
    """Raise a refused credential, which concerns every look-up; another failure concerns this session only."""
    if isinstance(error, Unauthorized | Forbidden):
        raise error


async def _gather_or_cancel(look_ups: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all look-ups; if one fails, the others are canceled before its error is raised."""
    tasks = [asyncio.ensure_future(one) for one in look_ups]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _is_unexpectedly_empty(before: Listing | None, state: WorkingState) -> bool:
    """Whether an empty listing is unexpected.

    Servers have returned empty listings by accident. An unmanaged session that such a listing omits would later count
    as one that a create of the tool made.
    """
    return before is None or bool(before.sessions or state.intents or state.pending_deletes)


def _unlisted_ids(
    state: WorkingState,
    listing: Listing,
    settle: float,
    in_flight: frozenset[ReplicaKey],
) -> list[str]:
    """The IDs of unfinished sessions that are not listed, except those that are too new to be listed."""
    unlisted = [
        record
        for record in state.records.group(is_open).values()
        if record.id
        and record.id not in listing.by_id
        and record.phase.active
        and not is_hidden(record.id)
        and record.id not in state.pending_deletes
        and record.key not in in_flight
        and (record.seen is not None or abs(listing.asked - (record.accepted or 0.0)) >= settle)
    ]
    return [record.id for record in sorted(unlisted, key=lambda one: one.key) if record.id]
