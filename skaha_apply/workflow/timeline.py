"""Makes a timeline of a state: every recorded attempt, in the order of the manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.session import Phase
from skaha_apply.model.status import Lane, Segment, SegmentKind, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.state import Attempt, ReplicaRecord, StateDocument
    from skaha_apply.model.status import ProjectStatus

_RESULTS = {
    Phase.DONE: SegmentKind.DONE,
    Phase.FAILED: SegmentKind.FAILED,
    Phase.UNKNOWN: SegmentKind.UNKNOWN,
    Phase.DUE: SegmentKind.DELETED,
    Phase.GONE: SegmentKind.DELETED,
    Phase.HELD: SegmentKind.DELETED,
}


def timeline(found: ProjectStatus) -> Timeline:
    """The timeline of a project. Replicas without times (marked by hand) have no lane."""
    order = {(row.session.casefold(), row.replica): place for place, row in enumerate(found.rows)}
    records = sorted(found.document.replicas, key=lambda record: (order.get(record.key, len(order)), record.key))
    lanes = (_lane(record, found.document, found.at) for record in records)
    return Timeline(found.project, tuple(lane for lane in lanes if lane.segments), found.summary, found.offline)


def _lane(record: ReplicaRecord, document: StateDocument, at: float) -> Lane:
    spec = document.specs.get(record.spec)
    entry = (spec.group or spec.name) if spec else record.session
    every: tuple[Attempt | ReplicaRecord, ...] = (*record.earlier, record)
    tried = [one for one in every if one.accepted is not None]
    return Lane(record.name, entry, tuple(part for one in tried for part in _segments(one, at)), len(tried))


def _segments(attempt: Attempt | ReplicaRecord, at: float) -> Iterable[Segment]:
    """Waiting until it started, then running: certain up to the last listing that showed it, then uncertain."""
    begin = attempt.accepted or at
    seen = getattr(attempt, "seen", None)
    end = max(begin, at if attempt.phase.active else attempt.ended or seen or attempt.started or begin)
    result = SegmentKind.RUNNING if attempt.phase.active else _RESULTS[attempt.phase]
    if attempt.started is None:  # still queued, or over before a listing showed that it ran
        kind = SegmentKind.WAITING if attempt.phase.active else result
        yield Segment(kind, begin, end, None if attempt.phase.active else begin)
        return
    started = min(max(begin, attempt.started), end)
    if started > begin:
        yield Segment(SegmentKind.WAITING, begin, started)
    sure = end if attempt.phase.active else min(max(started, attempt.running or started), end)
    yield Segment(result, started, end, None if sure == end else sure)
