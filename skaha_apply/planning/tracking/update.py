"""How an observation changes the state: phases, ends, sessions of unconfirmed creates, confirmed deletes.

This module decides no action. The planner reads the resulting state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.session import Phase
from skaha_apply.planning.records import is_open
from skaha_apply.planning.tracking.clock_skew import age
from skaha_apply.planning.tracking.confirmed_times import confirms, take_time, take_times
from skaha_apply.planning.tracking.deletions import resolve_delete
from skaha_apply.planning.tracking.news import STALE
from skaha_apply.planning.tracking.unconfirmed_creates import (
    UNCONFIRMED_AGE,
    adopt_late_session,
    is_decidable,
    resolve_create,
    with_live_session,
)
from skaha_apply.planning.tracking.vanished import MissingSessions
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
    working = WorkingState.from_document(state)
    adopted = update_working_state(working, seen, settle)
    take_times(working)
    return working.to_document(), adopted


def update_working_state(
    working: WorkingState, seen: Observation, settle: float, stale: float = STALE
) -> frozenset[ReplicaKey]:
    """Change a working state as `update_state` does; returns the replicas whose unconfirmed create it found.

    The times of sessions that a listing only confirms are in `WorkingState.confirmed` after that, unless the recorded
    times are older than `stale` seconds. A state that is not stored afterwards needs no newer times.
    """
    for key in _with_open_requests(working):
        take_time(working, key)
    for _, pending in sorted(working.pending_deletes.items()):
        resolve_delete(working, pending, seen, settle)
    owned = set(working.owned()) if working.intents else set()
    adopted = frozenset(
        key
        for key, intent in sorted(working.intents.items())
        if is_decidable(intent, seen, settle) and resolve_create(working, intent, seen, owned)
    )
    missing = MissingSessions(working, seen, settle)
    for key, record in sorted(working.records.group(is_open).items()):
        if key not in working.intents and record.id not in working.pending_deletes:
            _follow(working, key, missing, stale)
    for _, unconfirmed in sorted(working.unconfirmed_creates.items()):
        if age(seen, unconfirmed.since) > UNCONFIRMED_AGE:
            del working.unconfirmed_creates[unconfirmed.key]
        else:
            adopt_late_session(working, unconfirmed, seen)
    if working.head.account is None and seen.listing.account is not None:
        working.head = replace(working.head, account=seen.listing.account)
    return adopted


def _with_open_requests(working: WorkingState) -> set[ReplicaKey]:
    """The replicas with an open create or delete."""
    deleting = (pending.key for pending in working.pending_deletes.values())
    return {*working.intents, *working.unconfirmed_creates, *deleting}


def _follow(working: WorkingState, key: ReplicaKey, missing: MissingSessions, stale: float) -> None:
    """Update one record to the observation of its session."""
    record, seen = working.records[key], missing.seen
    if record.id is None:
        return
    live, at = seen.session(record.id), seen.listing.at
    if live and confirms(live, record, working.stored_records.get(key, record), at, stale):
        working.confirmed[key] = record.id, at
        return
    if key in working.confirmed:
        take_time(working, key)
        record = working.records[key]
    if live and (record.phase.active or _is_back(record, live)):
        working.records[key] = with_live_session(record, live, at)
    elif record.phase.active and record.id in seen.not_found:
        working.records[key] = missing.record_after(record)


def _is_back(record: ReplicaRecord, live: LiveSession) -> bool:
    """Whether a session that is recorded as gone is listed again, because an earlier listing or look-up was stale.

    A replica that was marked to be rerun is due too, and stays due while its ended session is listed.
    """
    if record.phase is Phase.DUE:
        return live.phase.active or record.seen is None
    return record.phase in (Phase.GONE, Phase.UNKNOWN)
