"""Listings that show a session as its record has it, so that only two times of the record are older than the listing.

Most listings of a wait show most sessions so. Their times are kept next to the records, which stay the same objects.
So nothing that follows from a record is computed again. A record is at most `STALE` seconds behind the last listing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.session import Phase
from skaha_apply.planning.tracking.news import STALE

if TYPE_CHECKING:
    from skaha_apply.model.session import LiveSession
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.planning.working_state import WorkingState


def confirms(
    live: LiveSession, record: ReplicaRecord, stored: ReplicaRecord | None, at: float, stale: float = STALE
) -> bool:
    """Whether a listing at `at` changes nothing in a record but times that need not be stored.

    Args:
        live: the session in the listing.
        record: the record of an active replica, as it is in memory.
        stored: the record as it is stored; None if it is not.
        at: Unix seconds by the server's clock.
        stale: seconds after which a newer time must be stored.
    """
    phase = record.phase
    if stored is None or live.phase is not phase or not phase.active or phase is Phase.OTHER:
        return False
    if stored.seen is None or abs(at - stored.seen) >= stale:
        return False
    if phase is Phase.RUNNING:
        is_same = record.ran is not None and record.queued is None
        is_recent = stored.running is not None and abs(at - stored.running) < stale
    else:
        is_same, is_recent = record.ran is None, True
    return (
        is_same
        and is_recent
        and (live.started is None or live.started == record.started)
        and live.expires == record.expires
        and _is_at_most(live.ram_used, record.ram_used)
        and _is_at_most(live.cores_used, record.cores_used)
        and not (record.stopped or record.note)
        and record.ended is None
    )


def take_time(working: WorkingState, key: ReplicaKey) -> None:
    """Move the time of the last listing that confirmed a record into the record, if it still has this session."""
    session_id, at = working.confirmed.pop(key, (None, 0.0))
    record = working.records.get(key)
    if session_id is None or record is None or record.id != session_id:
        return
    running = at if record.phase is Phase.RUNNING else record.running
    working.stored_records.setdefault(key, record)
    working.records[key] = replace(record, seen=at, running=running)


def take_times(working: WorkingState) -> None:
    """Move all times of listings that confirmed records into the records."""
    for key in sorted(working.confirmed):
        take_time(working, key)


def _is_at_most(now: float | None, most: float | None) -> bool:
    return now is None or (most is not None and now <= most)
