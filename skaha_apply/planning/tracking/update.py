"""How an observation changes the state: phases, ends, sessions of unconfirmed creates, confirmed deletes.

This module decides no action. The planner reads the resulting state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.session import Phase
from skaha_apply.planning.tracking.clock_skew import age
from skaha_apply.planning.tracking.deletions import resolve_delete
from skaha_apply.planning.tracking.unconfirmed_creates import (
    DOUBT_AGE,
    _resolve,
    adopt_late_session,
    is_decidable,
    with_live_session,
)
from skaha_apply.planning.tracking.vanished import Absences
from skaha_apply.planning.working_state import WorkingState

if TYPE_CHECKING:
    from skaha_apply.model.session import LiveSession, Observation
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import ReplicaRecord, StateDocument


def update_state(state: StateDocument, seen: Observation, settle: float) -> tuple[StateDocument, frozenset[ReplicaKey]]:
    """Update the state to an observation.

    Args:
        state: the state before the observation.
        seen: a listing, and look-ups of single sessions.
        settle: seconds after a request in which a listing can be stale about this request.

    Returns:
        The state after the observation, and the replicas whose session it found after an unconfirmed create.
    """
    book = WorkingState.open(state)
    for tombstone in tuple(book.tombstones.values()):
        resolve_delete(book, tombstone, seen, settle)
    owned = set(book.owned())
    adopted = frozenset(
        key
        for key, intent in sorted(book.intents.items())
        if is_decidable(intent, seen, settle) and _resolve(book, intent, seen, owned)
    )
    absences = Absences(book, seen, settle)
    for record in tuple(book.records.values()):
        if record.key not in book.intents and record.id not in book.tombstones:
            _follow(book, record, seen, absences)
    for doubt in tuple(book.doubts.values()):
        if age(seen, doubt.since) > DOUBT_AGE:
            del book.doubts[doubt.key]
        else:
            adopt_late_session(book, doubt, seen)
    account = state.account or seen.listing.account
    book.head = book.head.model_copy(update={"account": account})
    return book.close(), adopted


def _follow(book: WorkingState, record: ReplicaRecord, seen: Observation, absences: Absences) -> None:
    """Update one record to the observation of its session."""
    if record.id is None:
        return
    live = seen.session(record.id)
    if live and (record.phase.active or _is_back(record, live)):
        book.records[record.key] = with_live_session(record, live, seen.listing.at)
    elif record.phase.active and record.id in seen.gone:
        book.records[record.key] = absences.absent(record)


def _is_back(record: ReplicaRecord, live: LiveSession) -> bool:
    """Whether a session that is recorded as gone is listed again, because an earlier listing or look-up was stale.

    A replica that was marked to be rerun is due too, and stays due while its ended session is listed.
    """
    if record.phase is Phase.DUE:
        return live.phase.active or record.seen is None
    return record.phase in (Phase.GONE, Phase.UNKNOWN)
