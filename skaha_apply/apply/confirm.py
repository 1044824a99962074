"""Before a pass, decides what an earlier run left open; after a pass, lists until the listing shows what was done."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.apply.job import TRIES
from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.counts import first_names
from skaha_apply.model.session import Phase
from skaha_apply.planning.safety.account import check_account
from skaha_apply.planning.tracking.deletions import is_without_effect, is_worth_waiting

if TYPE_CHECKING:
    from skaha_apply.apply.context import ExecutionContext, Outcomes
    from skaha_apply.model.session import Observation
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import StateDocument

FIRST_WAIT = 0.2  # seconds between the first two listings; each further wait is 1.5 times as long
LONGEST_WAIT = 2.0
MOST_NAMED = 5  # sessions that a note names


async def observe_server(
    context: ExecutionContext, bound: StateDocument | None = None
) -> tuple[Observation, frozenset[ReplicaKey]]:
    """Observe the server once and record the observation; each change of phase is reported.

    Returns the observation and the replicas whose unconfirmed create the listing has decided. If the listing is not of
    the account of the state `bound`, it is not recorded; raises `StateError` then.
    """
    pending_deletes = context.ledger.working_state.pending_deletes.values()
    pods = [pending.id for pending in pending_deletes if pending.active]
    seen = await context.lister.observe_server(context.ledger.working_state, pods)
    if bound is not None:
        check_account(bound, seen.listing, context.identity)
    adopted, changes = context.ledger.update(seen, context.settle, context.identity)
    for change in changes:
        context.observe(change)
    return seen, adopted


async def resolve_open_requests(context: ExecutionContext) -> tuple[Observation, frozenset[ReplicaKey]]:
    """Observe until nothing of an earlier run is open: intents are decided and deleted sessions have disappeared.

    Raises `StateError` for the listing of another account.

    A DELETE without effect is sent again, at most `TRIES` times. Sessions that stay then are left to the plan, which
    shows their replicas as waiting.
    """
    adopted: frozenset[ReplicaKey] = frozenset()
    tries: Counter[str] = Counter()
    wait = FIRST_WAIT
    bound = context.ledger.document
    while True:
        seen, found = await observe_server(context, bound)
        adopted |= found
        working = context.ledger.working_state
        open_ones = [
            pending
            for pending in working.pending_deletes.values()
            if is_worth_waiting(pending, seen, context.settle, can_be_sent=tries[pending.id] < TRIES)
        ]
        if not working.intents and not open_ones:
            return seen, adopted
        for pending in open_ones:
            if tries[pending.id] < TRIES and is_without_effect(pending, seen, context.settle):
                tries[pending.id] += 1
                working.pending_deletes[pending.id] = replace(pending, at=context.server.now())
                context.ledger.changed()
                await context.server.delete(pending.id)
        await asyncio.sleep(wait)
        wait = min(wait * 1.5, LONGEST_WAIT)


async def confirm(context: ExecutionContext, outcomes: Outcomes) -> tuple[str, ...]:
    """List until the listing shows everything accepted and nothing deleted, for at most a settle time.

    The full settle time is used only if an outcome of this run is unconfirmed. Returns notes on what is still missing.
    """
    if not (outcomes.accepted or outcomes.deleted or outcomes.unconfirmed or outcomes.already_ended):
        return ()
    deadline = context.server.now() + context.settle
    wait = FIRST_WAIT
    while True:
        seen, _ = await observe_server(context)
        accepted = set(outcomes.accepted)
        missing = [
            record.name
            for record in context.ledger.working_state.records.values()
            if record.id in accepted and record.phase is Phase.ACCEPTED
        ]
        lingering = [one for one in outcomes.deleted if one in seen.listing.by_id]
        left = deadline - context.server.now()
        if left <= 0 or not (missing or lingering or outcomes.unconfirmed):
            return tuple(_notes(missing, lingering))
        await asyncio.sleep(min(left, context.settle) if outcomes.unconfirmed else min(wait, left))
        wait = min(wait * 1.5, LONGEST_WAIT)


def _notes(missing: list[str], lingering: list[str]) -> list[str]:
    notes = []
    if missing:
        notes.append(
            f"accepted by the server, but not listed yet: {_shortened(missing)}; the next apply or refresh checks again"
        )
    if lingering:
        notes.append(f"deleted but still listed: {_shortened(lingering)}; the next apply or refresh checks again")
    return notes


def _shortened(names: list[str]) -> str:
    return first_names(sorted(names), MOST_NAMED)
