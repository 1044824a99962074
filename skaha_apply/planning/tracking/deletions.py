"""Pending deletes: when a pending delete is resolved, and the phase of its replica after that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.reasons import DeleteReason
from skaha_apply.model.session import Phase
from skaha_apply.planning.tracking.clock_skew import age, settle_start

if TYPE_CHECKING:
    from skaha_apply.model.session import Observation
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import PendingDelete, ReplicaRecord
    from skaha_apply.planning.working_state import WorkingState

TTL = 3600.0  # seconds that an ended headless job stays listed: ttlSecondsAfterFinished of launch-headless.yaml
POD_GRACE = 60.0  # seconds that the tool waits for a deleted pod


def resolve_delete(working: WorkingState, pending: PendingDelete, seen: Observation, settle: float) -> None:
    """Drop a pending delete whose session has ended, or whose DELETE was never sent."""
    if not seen.whole and pending.id not in seen.not_found:
        return
    if live := seen.session(pending.id):
        is_requested = pending.sent or pending.key in seen.in_flight or live.phase is Phase.TERMINATING
        if not is_requested and seen.listing.asked >= settle_start(seen, pending.at) + settle:
            del working.pending_deletes[pending.id]
        return
    waited = age(seen, pending.at)
    if pending.active and pending.id not in seen.ended_pods and waited < POD_GRACE:
        return
    del working.pending_deletes[pending.id]
    if pending.why is DeleteReason.SURPLUS:
        _resolve_unconfirmed_request(working, pending.key)
    record = working.records.get(pending.key)
    if record is None or record.id != pending.id:
        return
    if not pending.sent and waited > TTL / 2:
        return  # the session might have ended by itself; it is looked up by its ID like any other
    working.records[record.key] = after_delete(record, pending, seen.listing.at)


def is_worth_waiting(pending: PendingDelete, seen: Observation, settle: float, *, can_be_sent: bool) -> bool:
    """Whether a pass waits for the end of a deleted session.

    `can_be_sent` states whether this run can send its DELETE again.
    """
    live = seen.session(pending.id)
    if live is not None:
        last = pending.at + (POD_GRACE if live.phase is Phase.TERMINATING else settle)
        return can_be_sent or seen.listing.asked < last
    # No session replaces a removed or surplus one, so nothing has to wait for the end of its pod.
    removed = pending.why in (DeleteReason.DELETE, DeleteReason.SURPLUS)
    return not removed and seen.listing.at - pending.at < POD_GRACE


def is_without_effect(pending: PendingDelete, seen: Observation, settle: float) -> bool:
    """Whether a DELETE was sent, and a listing after the settle time shows its session as before."""
    live = seen.session(pending.id)
    if live is None or live.phase is Phase.TERMINATING or not pending.sent:
        return False
    return seen.listing.asked >= pending.at + settle


def after_delete(record: ReplicaRecord, pending: PendingDelete, at: float) -> ReplicaRecord:
    """The record after its session was deleted: due again, on hold, or failed at the time `at` after a timeout."""
    if pending.why is DeleteReason.TIMEOUT:
        if not record.phase.active:
            return record
        return replace(record, phase=Phase.FAILED, ended=at, note=pending.note)
    if pending.why is DeleteReason.LIMIT:
        note = "its session was deleted because of the failure limit"
        return replace(record, phase=Phase.DUE, stopped=True, note=note)
    phase = Phase.HELD if pending.why is DeleteReason.HOLD else Phase.DUE
    return replace(record, phase=phase, note="its session was deleted")


def _resolve_unconfirmed_request(working: WorkingState, key: ReplicaKey) -> None:
    """Resolve one unconfirmed request: its duplicate session was deleted."""
    if (unconfirmed := working.unconfirmed_creates.pop(key, None)) is not None and unconfirmed.posts > 1:
        working.unconfirmed_creates[key] = replace(unconfirmed, posts=unconfirmed.posts - 1)
