"""Before a pass, what an earlier one left open is decided; after it, a list has to show what was done."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.apply.job import TRIES
from skaha_apply.model.session import Phase
from skaha_apply.planning.tracking.deletions import POD_GRACE

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.apply.context import ExecutionContext, Outcomes
    from skaha_apply.model.session import Listing, Observation
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import PendingDelete

FIRST_PAUSE = 0.2  # seconds between two looks; each further one half as long again
LONGEST_PAUSE = 2.0


async def look(
    tools: ExecutionContext,
    check: Callable[[Listing], None] = lambda _: None,
) -> tuple[Observation, frozenset[ReplicaKey]]:
    """One look, by which the ledger is moved on; what changed its phase is told. Gives the adopted replicas too."""
    tombstones = tools.ledger.book.tombstones.values()
    pods = [tombstone.id for tombstone in tombstones if tombstone.active]
    seen = await tools.looker.look(tools.ledger.document, pods)
    check(seen.listing)
    adopted, changes = tools.ledger.absorb(seen, tools.settle)
    for change in changes:
        tools.observe(change)
    return seen, adopted


async def settle_leftovers(
    tools: ExecutionContext,
    check: Callable[[Listing], None] = lambda _: None,
) -> tuple[Observation, frozenset[ReplicaKey]]:
    """Look until nothing of an earlier run is open: intents decided, deleted sessions gone.

    `check` sees each list before the memory is moved on by it, and may raise.

    A DELETE that had no effect is sent again, at most `TRIES` times; what still stays open then is left to the plan,
    which shows it as waiting.
    """
    adopted: frozenset[ReplicaKey] = frozenset()
    tries: Counter[str] = Counter()
    pause = FIRST_PAUSE
    while True:
        seen, found = await look(tools, check)
        adopted |= found
        book = tools.ledger.book
        open_ones = [tomb for tomb in book.tombstones.values() if _worth_waiting(tomb, seen, tools, tries)]
        if not book.intents and not open_ones:
            return seen, adopted
        for tombstone in open_ones:
            await _delete_again(tombstone, seen, tools, tries)
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _worth_waiting(tombstone: PendingDelete, seen: Observation, tools: ExecutionContext, tries: Counter[str]) -> bool:
    live = seen.session(tombstone.id)
    if live is not None:
        last = tombstone.at + (POD_GRACE if live.phase is Phase.TERMINATING else tools.settle)
        return tries[tombstone.id] < TRIES or seen.listing.asked < last
    # Nobody creates in place of what was only removed: its pod may take its time.
    return tombstone.why not in ("delete", "surplus") and seen.listing.at - tombstone.at < POD_GRACE


async def _delete_again(
    tombstone: PendingDelete, seen: Observation, tools: ExecutionContext, tries: Counter[str]
) -> None:
    live = seen.session(tombstone.id)
    due = seen.listing.asked >= tombstone.at + tools.settle
    if live is None or live.phase is Phase.TERMINATING or not tombstone.sent or not due:
        return
    if tries[tombstone.id] < TRIES:
        tries[tombstone.id] += 1
        book = tools.ledger.book
        book.tombstones[tombstone.id] = tombstone.model_copy(update={"at": tools.server.now()})
        tools.ledger.changed()
        await tools.server.delete(tombstone.id)


async def confirm(tools: ExecutionContext, outcomes: Outcomes) -> tuple[str, ...]:
    """Read the list until it shows everything accepted and nothing deleted, for at most a settle.

    The full settle is waited for only when an answer was unsure in this run. Gives notes on what is still missing.
    """
    if not (outcomes.accepted or outcomes.deleted or outcomes.unsure or outcomes.spared):
        return ()
    deadline = tools.server.now() + tools.settle
    pause = FIRST_PAUSE
    while True:
        seen, _ = await look(tools)
        accepted = set(outcomes.accepted)
        missing = [
            record.name
            for record in tools.ledger.book.records.values()
            if record.id in accepted and record.phase is Phase.ACCEPTED
        ]
        lingering = [one for one in outcomes.deleted if one in seen.listing.by_id]
        left = deadline - tools.server.now()
        if left <= 0 or not (missing or lingering or outcomes.unsure):
            return tuple(_notes(missing, lingering))
        await asyncio.sleep(min(left, tools.settle) if outcomes.unsure else min(pause, left))
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _notes(missing: list[str], lingering: list[str]) -> list[str]:
    notes = []
    if missing:
        notes.append(f"accepted but not listed yet: {_some(missing)}; the next run looks again")
    if lingering:
        notes.append(f"deleted but still listed: {_some(lingering)}; the next run looks again")
    return notes


def _some(names: list[str]) -> str:
    shown = ", ".join(sorted(names)[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"  # noqa: PLR2004
