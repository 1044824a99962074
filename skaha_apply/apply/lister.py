"""One look at the server: the list, and single look-ups where the list alone would prove nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from skaha_apply.model.errors import Forbidden, ServerError, Unauthorized
from skaha_apply.model.session import Observation

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

    from skaha_apply.model.ports import Server
    from skaha_apply.model.session import Listing, LiveSession
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import StateDocument

T = TypeVar("T")
MOST_LISTINGS = 3  # lists that are read before an incomplete one is taken as it is
PAUSE = 1.0  # seconds between them
EMPTY_PAUSE = 0.1  # seconds until an empty list is read again
_AT_ONCE = 64


class Lister:
    """Looks at the server on behalf of one state.

    A listing may lag, and has been seen empty by accident. So each unfinished session that it leaves out is asked for
    by its id: only a 404 says that it is gone. A list that left out what is there proves nothing about others either,
    and one that is empty to our surprise is read twice.

    `latest` is the last list that was read.

    Args:
        server: the server, with the account that owns the state.
        settle: seconds for which a new session may be missing from lists.
    """

    def __init__(self, server: Server, settle: float) -> None:
        self.server = server
        self._settle = settle
        self._found: float | None = None
        self.latest: Listing | None = None

    async def observe_server(
        self,
        state: StateDocument,
        pods: Iterable[str] = (),
        in_flight: frozenset[ReplicaKey] = frozenset(),
    ) -> Observation:
        """The list and the look-ups beside it.

        Args:
            state: what is remembered; decides which sessions are asked for one by one.
            pods: deleted ids whose pods are asked for, once the list no longer shows them.
            in_flight: replicas that this process has requests for.

        Raises:
            ServerError: when the list cannot be read.
        """
        for attempt in range(MOST_LISTINGS):
            before, listing = self.latest, await self.server.sessions()
            self.latest = listing
            if self._found is None:
                self._found = listing.asked
            alive, gone, untold = await self._look_up(_unlisted_ids(state, listing, self._settle, in_flight))
            seen_before = {record.id for record in state.replicas if record.seen is not None}
            whole = not any(one in seen_before for one in alive)
            doubtful = attempt == 0 and not listing.sessions and _is_unexpectedly_empty(before, state)
            if whole and not doubtful:
                break
            if attempt + 1 < MOST_LISTINGS:
                await asyncio.sleep(EMPTY_PAUSE if whole else PAUSE)
        unlisted = [one for one in pods if one not in listing.by_id]
        return Observation(
            listing=listing,
            found=self._found or listing.asked,
            alive=alive,
            gone=gone,
            untold=untold,
            pods_gone=await self._ended_pods(unlisted),
            in_flight=in_flight,
            whole=whole,
        )

    async def _look_up(self, ids: list[str]) -> tuple[dict[str, LiveSession], frozenset[str], frozenset[str]]:
        """What single look-ups show: sessions that are there, ids that are gone, ids of which nothing could be told."""
        slots = asyncio.Semaphore(_AT_ONCE)

        async def ask(session_id: str) -> LiveSession | bool | None:
            async with slots:
                try:
                    return await self.server.session(session_id)
                except ServerError as error:
                    _raise_refusal(error)
                    return False

        answers = dict(zip(ids, await _gather_or_cancel(map(ask, ids)), strict=True))
        alive = {one: answer for one, answer in answers.items() if answer is not None and not isinstance(answer, bool)}
        gone = frozenset(one for one, answer in answers.items() if answer is None)
        return alive, gone, frozenset(one for one, answer in answers.items() if answer is False)

    async def _ended_pods(self, ids: list[str]) -> frozenset[str]:
        slots = asyncio.Semaphore(_AT_ONCE)

        async def stopped(session_id: str) -> bool:
            async with slots:
                try:
                    return await self.server.events(session_id) is None
                except ServerError as error:
                    _raise_refusal(error)
                    return False

        answers = await _gather_or_cancel(map(stopped, ids))
        return frozenset(one for one, gone in zip(ids, answers, strict=True) if gone)


def _raise_refusal(error: ServerError) -> None:
    """A refused credential concerns every look-up; any other failure only leaves this session untold."""
    if isinstance(error, Unauthorized | Forbidden):
        raise error


async def _gather_or_cancel(looks: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """What all of these give; when one fails, the others are ended before that is raised."""
    tasks = [asyncio.ensure_future(one) for one in looks]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _is_unexpectedly_empty(before: Listing | None, state: StateDocument) -> bool:
    """Whether an empty list is a surprise.

    Lists have been seen empty by accident, and a stranger's session that one leaves out would later be taken for what
    our own create has made.
    """
    return before is None or bool(before.sessions or state.intents or state.tombstones)


def _unlisted_ids(
    state: StateDocument,
    listing: Listing,
    settle: float,
    in_flight: frozenset[ReplicaKey],
) -> list[str]:
    """Ids of unfinished sessions that the list leaves out, but for those that are too new to be listed."""
    buried = {pending.id for pending in state.tombstones}
    return [
        record.id
        for record in state.replicas
        if record.id
        and record.phase.active
        and record.id not in listing.by_id
        and record.id not in buried
        and record.key not in in_flight
        and (record.seen is not None or abs(listing.asked - (record.accepted or 0.0)) >= settle)
    ]
