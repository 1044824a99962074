"""The situation: everything that the planner reads about one project. All parts of the planner share it."""

from __future__ import annotations

from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.reasons import DeleteReason
from skaha_apply.model.request import Offer
from skaha_apply.planning import diff
from skaha_apply.planning.options import PlanOptions
from skaha_apply.planning.records import has_past
from skaha_apply.planning.tracking import unconfirmed_creates
from skaha_apply.planning.working_state import WorkingState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.model.plan import Change
    from skaha_apply.model.reasons import Reason
    from skaha_apply.model.session import LiveSession, Observation
    from skaha_apply.model.spec import ReplicaKey, SessionSpec
    from skaha_apply.model.state import ReplicaRecord, StateDocument


@dataclass(frozen=True)
class Situation:
    """The state after an observation, the observation, the options, and everything else that the planner reads.

    `adopted` are the replicas whose session this observation found after an unconfirmed create. `offer` is what the
    server offers, as far as the tool requested it. `present` are the recorded manifest files that still exist,
    loaded or not. `new_state` states that no state is stored yet. `identity` is the digest of the credential, None if
    there is nothing to check. `notes` are shown above the plan. `working` is the working copy of `state`, if the
    caller has it. `offline`: the server was not asked, so that an unmanaged session can be live.

    Derived values are computed at the first use and kept.
    """

    state: StateDocument
    observation: Observation
    options: PlanOptions = field(default_factory=PlanOptions)
    adopted: frozenset[ReplicaKey] = frozenset()
    offer: Offer = field(default_factory=Offer)
    server: str = ""
    present: frozenset[str] = frozenset()
    new_state: bool = False
    identity: str | None = None
    notes: tuple[Reason, ...] = ()
    working: WorkingState | None = field(default=None, compare=False, repr=False)
    offline: bool = False

    @property
    def now(self) -> float:
        """When the listing was returned, in Unix seconds by the server's clock."""
        return self.observation.listing.at

    @cached_property
    def working_state(self) -> WorkingState:
        """The state by key. The planner changes nothing in it."""
        return self.working or WorkingState.from_document(self.state)

    @cached_property
    def owned(self) -> frozenset[str]:
        """Every session ID that the state owns."""
        return self.working_state.owned()

    @cached_property
    def deleting(self) -> frozenset[ReplicaKey]:
        """The replicas whose own session has a pending delete; deletes of duplicate sessions do not count."""
        pending = self.working_state.pending_deletes.values()
        return frozenset(one.key for one in pending if one.why is not DeleteReason.SURPLUS)

    @cached_property
    def terminating(self) -> frozenset[ReplicaKey]:
        """The replicas whose session has a pending delete and is still observed."""
        observed = (one for one in self.working_state.pending_deletes.values() if self.observation.session(one.id))
        return frozenset(one.key for one in observed if one.why is not DeleteReason.SURPLUS)

    @cached_property
    def duplicates(self) -> Mapping[ReplicaKey, tuple[LiveSession, ...]]:
        """The duplicate sessions that unconfirmed creates left behind, by replica."""
        working = self.working_state
        return {
            key: unconfirmed_creates.duplicate_sessions(working, unconfirmed, self.observation)
            for key, unconfirmed in sorted(working.unconfirmed_creates.items())
        }

    @cached_property
    def superseded(self) -> Mapping[ReplicaKey, tuple[LiveSession, ...]]:
        """Earlier sessions that still run although their replica has a later one, by replica."""
        working = self.working_state
        return {
            key: found
            for key, record in self._with_past
            if (found := unconfirmed_creates.superseded_sessions(working, record, self.observation))
        }

    @cached_property
    def has_second_session(self) -> frozenset[ReplicaKey]:
        """The replicas with an active duplicate session or an earlier session that still runs."""
        working = self.working_state
        doubled = {key for key, found in self.duplicates.items() if any(session.phase.active for session in found)}
        superseded_or_stopping = unconfirmed_creates.superseded_or_stopping
        doubled |= {key for key, record in self._with_past if superseded_or_stopping(working, record, self.observation)}
        return frozenset(doubled)

    def unmanaged(self, name: str) -> tuple[LiveSession, ...]:
        """The live sessions with this name that the state does not own, without duplicate sessions."""
        found = self.observation.listing.by_name.get(name, ())
        if not found:
            return ()
        ignored = self._duplicate_ids
        return tuple(session for session in found if session.id not in self.owned and session.id not in ignored)

    def changes(self, recorded: str, desired: SessionSpec) -> tuple[Change, ...]:
        """The fields in which a recorded spec (by its key in the state) and a desired one differ."""
        pair = (recorded, id(desired))
        if pair not in self._changes:
            self._changes[pair] = diff.changes(self.working_state.specs[recorded], desired)
        return self._changes[pair]

    def is_recorded(self, recorded: str, wanted: SessionSpec) -> bool:
        """Whether a recorded spec (by its key in the state) and a desired one are equal in all fields."""
        pair = (recorded, id(wanted))
        if pair not in self._equal:
            known = self.working_state.specs.get(recorded)
            self._equal[pair] = known is wanted or known == wanted
        return self._equal[pair]

    @cached_property
    def _with_past(self) -> list[tuple[ReplicaKey, ReplicaRecord]]:
        """The records of replicas with earlier sessions, by key and sorted."""
        return sorted(self.working_state.records.group(has_past).items())

    @cached_property
    def _duplicate_ids(self) -> frozenset[str]:
        return frozenset(session.id for found in self.duplicates.values() for session in found)

    @cached_property
    def _equal(self) -> dict[tuple[str, int], bool]:
        return {}

    @cached_property
    def _changes(self) -> dict[tuple[str, int], tuple[Change, ...]]:
        return {}
