"""What a pass of `apply` leaves, in one value: the live view, the wait, notices and the report only read it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.counts import first_names
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.progress.summary import ProjectSummary
from skaha_apply.model.report import ReplicaReport
from skaha_apply.model.session import Phase
from skaha_apply.planning.attempts import cause_of_failure
from skaha_apply.planning.failure_cause import shared_causes
from skaha_apply.planning.summary.entry_summaries import NAMED, has_another_attempt, not_started
from skaha_apply.planning.summary.exit_codes import will_change
from skaha_apply.planning.summary.grid import plan_grid
from skaha_apply.planning.summary.project_summary import plan_summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.progress.summary import ProgressGroup
    from skaha_apply.model.report import NotStarted, SharedCause
    from skaha_apply.model.session import Listing
    from skaha_apply.model.spec import ReplicaKey, SessionSpec
    from skaha_apply.model.state import ReplicaRecord, StateDocument
    from skaha_apply.planning.summary.entry_summaries import Snapshot

_UNFINISHED = (ActionKind.WAIT, ActionKind.BLOCKED, ActionKind.CONFLICT, ActionKind.UNKNOWN, ActionKind.PROTECTED)
_WITHOUT_SESSION = {ActionKind.DELETE: "deleted", ActionKind.CONFLICT: "conflict", ActionKind.BLOCKED: "blocked"}


@dataclass(frozen=True)
class PassSummary:
    """The replicas of a project after a pass. Each part is computed when it is read first.

    `plan` is the plan of the pass, `listing` its last listing, and `document` the state after it; each is None before
    the first. `snapshot` has the records after what was carried out of the plan. The next pass changes these records,
    so `progress` and `grid` are read before it. `sessions` are the session specs in the order of the manifest.

    `progress`, `not_started` and `not_retried` look only at replicas that were not done before, because each pass of a
    wait can read them. All other parts look at every replica.
    """

    plan: Plan | None
    snapshot: Snapshot
    document: StateDocument | None = None
    listing: Listing | None = None
    sessions: Sequence[SessionSpec] = ()

    @cached_property
    def progress(self) -> ProjectSummary:
        """The numbers of the project."""
        return ProjectSummary() if self.plan is None else plan_summary(self.plan, self.snapshot, self.sessions)

    @cached_property
    def not_started(self) -> tuple[NotStarted, ...]:
        """Why replicas do not start now."""
        return () if self.plan is None else not_started(self.plan.decided_now)

    def grid(self) -> Mapping[str, Sequence[ProgressGroup]]:
        """See `PassEnded.grid`."""
        return {} if self.plan is None else plan_grid(self.plan, self.snapshot, self.sessions)

    @cached_property
    def records(self) -> Mapping[ReplicaKey, ReplicaRecord]:
        """The records in the state by key."""
        return {} if self.document is None else {record.key: record for record in self.document.replicas}

    @cached_property
    def desired(self) -> tuple[Action, ...]:
        """The actions of the replicas in the manifest."""
        return () if self.plan is None else tuple(action for action in self.plan.actions if action.desired is not None)

    @cached_property
    def replicas(self) -> tuple[ReplicaReport, ...]:
        """The phase of each replica in the manifest; of all recorded ones if the manifest has none."""
        recorded = () if self.plan is None else (one for one in self.plan.actions if one.record is not None)
        return tuple(map(self._replica, self.desired or recorded))

    @cached_property
    def failed(self) -> tuple[ReplicaRecord, ...]:
        """The records of the failed replicas in the manifest, also of those with another attempt."""
        records = (self.records.get(action.key) for action in self.desired)
        return tuple(one for one in records if one is not None and one.phase is Phase.FAILED)

    @cached_property
    def retried(self) -> frozenset[str]:
        """The live names of the failed replicas that have another attempt."""
        found = ((action, self.records.get(action.key)) for action in self.desired)
        return frozenset(record.name for action, record in found if record and has_another_attempt(action, record))

    @property
    def not_retried(self) -> tuple[ReplicaRecord, ...]:
        """The records of the failed replicas for which the plan has no other attempt."""
        failed = () if self.plan is None else (one for one in self.plan.decided_now if one.kind is ActionKind.FAILED)
        records = (self.snapshot.record(action) for action in failed)
        return tuple(record for record in records if record is not None)

    @property
    def causes(self) -> tuple[SharedCause, ...]:
        """The causes of the failed replicas."""
        return shared_causes(((one.name, cause_of_failure(one)) for one in self.failed), self.retried)

    @property
    def unfinished(self) -> tuple[NotStarted, ...]:
        """Why replicas in the manifest stay undone, once no other pass follows."""
        return not_started(self.desired, _UNFINISHED)

    @cached_property
    def waiting(self) -> tuple[NotStarted, ...]:
        """The replicas that a later pass creates, now that they wait for a slot, a dependency or a deletion."""
        later = [one for one in self.desired if one.kind is ActionKind.WAIT or one.create_later]
        return not_started(later, frozenset(ActionKind))

    @property
    def active(self) -> frozenset[ReplicaKey]:
        """The replicas with an active session."""
        return frozenset(key for key, record in self.records.items() if record.phase.active)

    @property
    def not_created(self) -> int:
        """The number of replicas in the manifest without an active session that will change; retries are among them."""
        active = self.active
        return sum(will_change(action) and action.key not in active for action in self.desired)

    @property
    def not_created_again(self) -> str:
        """The first replicas whose session was deleted for a replacement that the pass did not create; "" if none."""
        replaced = [action for action in self.desired if action.kind is ActionKind.REPLACE and not action.create_later]
        names = [action.name for action in replaced if action.sessions_to_delete and self._is_missing(action)]
        return first_names(names, NAMED) if names else ""

    def _is_missing(self, action: Action) -> bool:
        record = self.records.get(action.key)
        return record is not None and (record.phase is Phase.DUE or record.id in self._sent_deletes)

    @cached_property
    def _sent_deletes(self) -> frozenset[str]:
        """The IDs of pending deletes whose request was sent."""
        pending = () if self.document is None else self.document.tombstones
        return frozenset(one.id for one in pending if one.sent)

    def _replica(self, action: Action) -> ReplicaReport:
        record = self.records.get(action.key)
        live = self.listing.by_id.get(record.id) if record and record.id and self.listing else None
        return ReplicaReport(
            name=record.name if record else action.name,
            replica=action.replica,
            id=record.id if record else None,
            phase=self._phase(action, record),
            session=action.session,
            connect_url=live.connect_url if live else "",
            cause=cause_of_failure(record),
        )

    def _phase(self, action: Action, record: ReplicaRecord | None) -> str:
        """The progress of a replica in a word: what keeps it from starting, or the phase of its session."""
        if record is None:
            return action.kind.value
        if record.id in self._sent_deletes:
            return "deleted"
        if record.phase in (Phase.DUE, Phase.GONE):
            return _WITHOUT_SESSION.get(action.kind, record.phase.value)
        return record.phase.value
