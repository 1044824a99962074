"""Records what a manifest states beyond the digests: protection, the manifest file, and `vanished: complete`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.session import Phase

if TYPE_CHECKING:
    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.planning.working_state import WorkingState


def update_specs(plan: Plan, working: WorkingState) -> bool:
    """Update the records of replicas that the plan does not change; an earlier plan's decisions leave no update.

    Returns whether a record was updated.
    """
    updated, is_recorded = False, _SpecComparison(working)
    for action in plan.decided_now:
        if action.kind.changes and action.kind is not ActionKind.RENEW:
            continue
        before = working.records.get(action.key)
        if before is None or action.record is None:
            continue
        after = _with_vanished_complete(_with_desired_spec(before, action, working, is_recorded), action)
        if after is not before:
            working.records[before.key] = after
            updated = True
    return updated


class _SpecComparison:
    """Compares each recorded spec with a desired one once, also if many replicas have them."""

    def __init__(self, working: WorkingState) -> None:
        self._working = working
        self._known: dict[tuple[str, int], bool] = {}

    def __call__(self, recorded: str, desired: SessionSpec) -> bool:
        """Whether a recorded spec, by its key in the state, is equal to a desired one in all fields."""
        pair = (recorded, id(desired))
        if pair not in self._known:
            known = self._working.specs.get(recorded)
            self._known[pair] = known is desired or known == desired
        return self._known[pair]


def _with_desired_spec(
    record: ReplicaRecord, action: Action, working: WorkingState, is_recorded: _SpecComparison
) -> ReplicaRecord:
    """The record with the desired spec, if the digests are equal."""
    desired = action.desired
    if desired is None or record.work != desired.work or record.run != desired.run:
        return record
    if is_recorded(record.spec, desired.spec):
        return record
    return replace(record, spec=working.record_spec(desired.spec))


def _with_vanished_complete(record: ReplicaRecord, action: Action) -> ReplicaRecord:
    """The record as done, if its session vanished and the spec has `vanished: complete`."""
    if action.kind is not ActionKind.DONE or record.phase not in (Phase.GONE, Phase.UNKNOWN):
        return record
    ended = record.ended or record.seen or record.accepted
    note = f"{record.note}; counted as complete (vanished: complete)"
    return replace(record, phase=Phase.DONE, ended=ended, note=note, logged=True)
