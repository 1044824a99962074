"""Pending deletes: when a pending delete is resolved, and the phase of its replica after that."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def resolve_delete(book: WorkingState, tombstone: PendingDelete, seen: Observation, settle: float) -> None:
    """Drop a pending delete whose session has ended, or whose DELETE was never sent."""
    if not seen.whole and tombstone.id not in seen.gone:
        return
    if live := seen.session(tombstone.id):
        ours = tombstone.sent or tombstone.key in seen.in_flight or live.phase is Phase.TERMINATING
        if not ours and seen.listing.asked >= settle_start(seen, tombstone.at) + settle:
            del book.tombstones[tombstone.id]
        return
    waited = age(seen, tombstone.at)
    if tombstone.active and tombstone.id not in seen.pods_gone and waited < POD_GRACE:
        return
    del book.tombstones[tombstone.id]
    if tombstone.why is DeleteReason.SURPLUS:
        _settle_doubt(book, tombstone.key)
    record = book.records.get(tombstone.key)
    if record is None or record.id != tombstone.id:
        return
    if not tombstone.sent and waited > TTL / 2:
        return  # the session might have ended by itself; it is looked up by its ID like any other
    book.records[record.key] = after_delete(record, tombstone, seen.listing.at)


def after_delete(record: ReplicaRecord, tombstone: PendingDelete, at: float) -> ReplicaRecord:
    """The record after its session was deleted: due again, on hold, or failed at the time `at` after a timeout."""
    if tombstone.why is DeleteReason.TIMEOUT:
        if not record.phase.active:
            return record
        return record.model_copy(update={"phase": Phase.FAILED, "ended": at, "note": tombstone.note})
    if tombstone.why is DeleteReason.LIMIT:
        update = {"phase": Phase.DUE, "stopped": True, "note": "its session was deleted because of the failure limit"}
        return record.model_copy(update=update)
    phase = Phase.HELD if tombstone.why is DeleteReason.HOLD else Phase.DUE
    return record.model_copy(update={"phase": phase, "note": "its session was deleted"})


def _settle_doubt(book: WorkingState, key: ReplicaKey) -> None:
    """Resolve one unconfirmed request: its duplicate session was deleted."""
    if (doubt := book.doubts.pop(key, None)) is not None and doubt.posts > 1:
        book.doubts[key] = doubt.model_copy(update={"posts": doubt.posts - 1})
