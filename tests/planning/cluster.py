"""A model of the server and of a faultless apply: the effect of a plan on a state and on the live sessions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scene import SETTLE

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.session import Listing, LiveSession, Observation
from skaha_apply.model.state import Intent, PendingDelete, ReplicaRecord
from skaha_apply.planning.options import PlanOptions
from skaha_apply.planning.planner import plan
from skaha_apply.planning.situation import Situation
from skaha_apply.planning.tracking.deletions import after_delete
from skaha_apply.planning.tracking.unconfirmed_creates import record_of_create
from skaha_apply.planning.tracking.update import update_state
from skaha_apply.planning.working_state import WorkingState

if TYPE_CHECKING:
    from skaha_apply.model.project import Project
    from skaha_apply.model.state import StateDocument


@dataclass
class Cluster:
    """The live sessions by ID, the IDs of unmanaged sessions, the state, and the time in seconds."""

    state: StateDocument
    live: dict[str, LiveSession]
    theirs: frozenset[str]
    now: float
    deleted: set[str] = field(default_factory=set)
    made: int = 0

    def observe(self):
        """One observation as the tool makes it: the listing, and look-ups of the sessions that it lacks."""
        deleted_ids = {pending_delete.id for pending_delete in self.state.tombstones}
        missing = {
            record.id
            for record in self.state.replicas
            if record.id and record.phase.active and record.id not in self.live and record.id not in deleted_ids
            if record.seen is not None or self.now >= (record.accepted or 0) + SETTLE
        }
        listing = Listing(tuple(self.live.values()), self.now, self.now)
        stopped = frozenset(one for one in deleted_ids if one not in self.live)
        return Observation(listing, self.now - 60, not_found=frozenset(missing), ended_pods=stopped)

    def settle(self):
        """Observe until all open requests of a run are decided."""
        for _ in range(3):
            self.now += 2 * SETTLE
            self.state, _ = update_state(self.state, self.observe(), SETTLE)

    def plan(self, project: Project, options: PlanOptions = PlanOptions(), **facts):  # noqa: B008 - frozen
        """Observe, record the observation, and plan."""
        seen = self.observe()
        self.state, adopted = update_state(self.state, seen, SETTLE)
        return plan(project, Situation(self.state, seen, options, adopted, server="s", **facts))

    def apply(self, made):
        """Carry out a plan; every response is clear."""
        working = WorkingState.from_document(self.state)
        for action in made.actions:
            if not action.kind.changes:
                continue
            if action.adopted:
                self._adopt(working, action)
            for to_delete in action.sessions_to_delete:
                self._delete(working, to_delete)
            if action.kind.creates and not action.create_later:
                self._create(working, action)
        self.state = working.to_document()

    def tick(self, seconds, ends="Completed"):
        """Time passes: deleted sessions disappear, batch jobs end, notebooks continue."""
        self.now += seconds
        for pending_delete in self.state.tombstones:
            self.live.pop(pending_delete.id, None)
        for key, session in self.live.items():
            status = "Running" if session.kind != "headless" else ends
            if session.phase.active and key not in self.theirs:
                self.live[key] = replace(session, status=status)

    def running(self):
        """The ids of each replica that the state owns and that are active."""
        found = {}
        for record in self.state.replicas:
            ids = {record.id, *record.past} & set(self.live)
            found[record.key] = [one for one in ids if self.live[one].phase.active]
        return found

    def _delete(self, working, to_delete):
        self.live.pop(to_delete.id, None)
        self.deleted.add(to_delete.id)
        for record in tuple(working.records.values()):
            if record.id == to_delete.id and record.phase.active:
                pending = PendingDelete(
                    id=to_delete.id, session=record.session, replica=record.replica, name="", at=self.now
                )
                pending = replace(pending, why=to_delete.why, note="timed out")
                working.records[record.key] = after_delete(record, pending, self.now)

    def _create(self, working, action):
        wanted, self.made = action.desired, self.made + 1
        identifier = f"made{self.made}"
        intent = Intent(
            session=wanted.spec.key,
            replica=wanted.replica,
            name=wanted.name,
            spec=working.record_spec(wanted.spec),
            work=wanted.work,
            run=wanted.run,
            run_number=wanted.run_number,
            attempt=action.attempt,
            at=self.now,
        )
        working.records[intent.key] = record_of_create(working, intent, identifier, self.now)
        spec = wanted.spec
        self.live[identifier] = LiveSession(
            id=identifier,
            name=wanted.name,
            kind=spec.kind.value,
            status="Pending",
            image=spec.image,
            cores=spec.cores,
            ram=spec.ram,
        )

    def _adopt(self, working, action):
        wanted, found = action.desired, action.adopted
        self.theirs -= {found.id}
        working.records[wanted.key] = ReplicaRecord(
            session=wanted.spec.key,
            replica=wanted.replica,
            name=wanted.name,
            spec=working.record_spec(wanted.spec),
            work=wanted.work,
            run=wanted.run,
            phase=found.phase,
            id=found.id,
            accepted=self.now,
            seen=self.now,
            ended=self.now if found.phase.ended else None,
        )
