"""Vanished sessions: sessions that the server no longer has and whose end no listing showed.

The server keeps an ended session for an hour by default, and reports nothing about it afterwards. A session that was
listed a moment ago was deleted by someone, so its replica is created again. These creates are limited. A server
that removes ended sessions before a listing shows them would otherwise make finished work run forever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.session import Phase
from skaha_apply.planning.records import is_open
from skaha_apply.planning.tracking.clock_skew import RECENT, age

if TYPE_CHECKING:
    from skaha_apply.model.session import Observation
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.state import Intent, ReplicaRecord, UnconfirmedCreate
    from skaha_apply.planning.working_state import WorkingState

ENOUGH = 2  # consecutive vanished sessions of one attempt, after which the replica is not created again
_STOPS_OTHERS_FOR = 86400.0  # seconds for which such a replica also stops the other vanished replicas of its project
_FORGOTTEN = (
    "session disappeared again before its end was seen: someone deleted it again, or the server removes ended sessions "
    "before the tool lists them"
)


class MissingSessions:
    """Computes the new record of each replica whose session is missing from one observation."""

    def __init__(self, working: WorkingState, seen: Observation, settle: float) -> None:
        self._working_state = working
        self.seen = seen
        self._settle = settle
        self._forgets: bool | None = None  # whether the server removes ended sessions too early; computed once

    def record_after(self, record: ReplicaRecord) -> ReplicaRecord:
        """The record of an unfinished session after its look-up responded 404."""
        at = self.seen.listing.at
        if record.phase is Phase.ACCEPTED:
            last = record.accepted or at
            if self.seen.listing.asked < last + self._settle:
                return record
            due: dict[str, Any] = {"phase": Phase.DUE, "note": "accepted by the server, but never listed"}
            late = "accepted by the server, but never listed"
        else:
            last = record.seen or record.accepted or 0.0
            due = {"phase": Phase.GONE, "note": _disappeared(record, age(self.seen, last)), "ended": at}
            late = "session disappeared before its end was seen (ended, pruned or expired)"
        if self._working_state.specs[record.spec].kind.interactive:
            return replace(record, **due)
        if age(self.seen, last) >= RECENT:
            return replace(record, phase=Phase.UNKNOWN, note=late)
        vanished = record.vanished + 1
        if vanished < ENOUGH and not self._is_forgetful():
            return replace(record, **due, vanished=vanished)
        self._forgets = True
        return replace(record, phase=Phase.UNKNOWN, note=_FORGOTTEN, vanished=max(vanished, ENOUGH))

    def _is_forgetful(self) -> bool:
        """Whether a headless replica vanished repeatedly in the last day. Then no vanished one is created again."""
        if self._forgets is None:
            self._forgets = any(
                record.phase is Phase.UNKNOWN
                and record.vanished >= ENOUGH
                and age(self.seen, record.seen or record.accepted or 0.0) < _STOPS_OTHERS_FOR
                for record in self._working_state.records.group(is_open).values()
            )
        return self._forgets


def counts_as_complete(record: ReplicaRecord, recorded: SessionSpec, desired: SessionSpec) -> bool:
    """Whether a session that disappeared counts as succeeded, because its manifest has `vanished: complete`.

    Args:
        record: the record of the replica.
        recorded: the spec that its session was created from.
        desired: the spec of the manifest, which decides.
    """
    batch = not (recorded.kind.interactive or desired.kind.interactive)
    return batch and desired.vanished == "complete" and record.phase in (Phase.GONE, Phase.UNKNOWN)


def _disappeared(record: ReplicaRecord, seconds: float) -> str:
    """A note: the seconds between the last listing of a session and the observation without it."""
    status = (record.note or "active") if record.phase is Phase.OTHER else record.phase.value
    return f"disappeared {seconds:.0f} s after it was last seen {status}"


def vanished_before(earlier: ReplicaRecord | None, intent: Intent | UnconfirmedCreate) -> int:
    """The number of consecutive sessions of the same attempt at the same work that vanished before this create."""
    if earlier is None or earlier.phase not in (Phase.GONE, Phase.DUE):
        return 0
    same = (earlier.run, earlier.run_number, earlier.attempt) == (intent.run, intent.run_number, intent.attempt)
    return earlier.vanished if same else 0
