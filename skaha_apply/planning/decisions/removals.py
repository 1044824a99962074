"""Sessions in the state but not in the manifest: removed replicas, and duplicate sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.masking.session_ids import is_hidden
from skaha_apply.model.plan import Action, ActionKind, SessionToDelete
from skaha_apply.model.reasons import DeleteReason, Reason, ReasonCode

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from skaha_apply.model.project import Project
    from skaha_apply.model.session import LiveSession
    from skaha_apply.model.spec import ReplicaKey, SessionSpec
    from skaha_apply.model.state import Intent, ReplicaRecord, UnconfirmedCreate
    from skaha_apply.planning.situation import Situation
    from skaha_apply.planning.working_state import WorkingState


@dataclass(frozen=True)
class Owned:
    """A replica that is in the state and not desired by the manifest."""

    situation: Situation
    project: Project
    key: ReplicaKey

    @property
    def working_state(self) -> WorkingState:
        """The state."""
        return self.situation.working_state

    @property
    def protected(self) -> bool:
        """Whether its recorded spec or its spec in the manifest has `protect: true`."""
        return self.spec.protect or self.key[0] in self.project.protected

    @property
    def entry(self) -> ReplicaRecord | Intent:
        """Its record, or its intent if it has no record."""
        return self.working_state.records.get(self.key) or self.working_state.intents[self.key]

    @property
    def spec(self) -> SessionSpec:
        """The recorded spec from which the replica was created."""
        return self.working_state.specs[self.entry.spec]

    def action(self, kind: ActionKind, reason: Reason, sessions_to_delete: tuple[SessionToDelete, ...] = ()) -> Action:
        """An action for this replica."""
        record = self.working_state.records.get(self.key)
        return Action(
            kind=kind,
            session=self.spec.name,
            replica=self.key[1],
            replicas=self.spec.replicas,
            name=self.entry.name,
            reason=reason,
            group=self.spec.group,
            id=record.id if record else None,
            record=record,
            sessions_to_delete=sessions_to_delete,
        )


def decide_removals(project: Project, situation: Situation, removed: AbstractSet[ReplicaKey]) -> list[Action]:
    """The actions for replicas that are in the state and not in the manifest, and for second sessions of a replica.

    `removed` are the replicas of the state that the manifest does not have.
    """
    state = situation.working_state
    decide = _destroyed if situation.options.destroying else _removed
    actions = [decide(Owned(situation, project, key)) for key in sorted(removed)]
    for key, sessions in situation.superseded.items():
        actions += [_superseded(state.records[key], session, state) for session in sessions]
    for key, sessions in situation.duplicates.items():
        if key not in state.intents:
            actions += [_duplicate(state.unconfirmed_creates[key], session, state) for session in sessions]
    return actions


def _removed(owned: Owned) -> Action:
    """The action for an owned replica that the manifest no longer has.

    A manifest from standard input (`-`) is in no folder, so a loaded folder never shows that it was removed.
    """
    if owned.spec.file not in owned.project.files:
        if owned.spec.file in owned.situation.present:
            return owned.action(ActionKind.NOT_LOADED, Reason(ReasonCode.NOT_LOADED, file=owned.spec.file))
        if not any(_inside(owned.spec.file, folder) for folder in owned.project.folders):
            reason = Reason(ReasonCode.FOLDER_NOT_LOADED, file=owned.spec.file)
            return owned.action(ActionKind.NOT_LOADED, reason)
    finishes = owned.spec.when_removed == "finish"
    return replace(_let_go(owned, Reason(ReasonCode.REMOVED), finishes=finishes), counts_as_mass=True)


def _destroyed(owned: Owned) -> Action:
    """The action for one owned replica if the plan destroys the project."""
    return _let_go(owned, Reason(ReasonCode.DESTROY), finishes=False)


def _let_go(owned: Owned, reason: Reason, *, finishes: bool) -> Action:
    working, key = owned.working_state, owned.key
    if key in working.intents:
        return owned.action(ActionKind.WAIT, Reason(ReasonCode.CREATE_UNCONFIRMED))
    if key in owned.situation.terminating:
        return owned.action(ActionKind.WAIT, Reason(ReasonCode.DELETE_PENDING))
    record = working.records[key]
    if not record.phase.active or record.id is None:
        return owned.action(ActionKind.RETIRED, Reason(ReasonCode.RETIRED, cause=reason))
    if owned.protected:
        return owned.action(ActionKind.PROTECTED, Reason(ReasonCode.PROTECTED, cause=reason))
    if finishes or is_hidden(record.id):
        unknown = Reason(ReasonCode.ID_UNKNOWN, name=f"{owned.spec.name}/{key[1]}")
        return owned.action(ActionKind.UNCHANGED, Reason(ReasonCode.FINISHING, cause=reason) if finishes else unknown)
    sessions_to_delete = (SessionToDelete(record.id, active=True, why=DeleteReason.DELETE),)
    return owned.action(ActionKind.DELETE, reason, sessions_to_delete)


def _inside(file: str, folder: str) -> bool:
    if folder in ("", "."):
        return file != "-" and not file.startswith(("/", "../"))
    return file.startswith(folder.rstrip("/") + "/")


def _duplicate(unconfirmed: UnconfirmedCreate, session: LiveSession, working: WorkingState) -> Action:
    """Delete a duplicate session of an unconfirmed create."""
    return _needless(unconfirmed, session, working, ReasonCode.DUPLICATE_SESSION)


def _superseded(record: ReplicaRecord, session: LiveSession, working: WorkingState) -> Action:
    """Delete an earlier session of a replica that has a later session."""
    return _needless(record, session, working, ReasonCode.SUPERSEDED_SESSION)


def _needless(
    entry: UnconfirmedCreate | ReplicaRecord, session: LiveSession, working: WorkingState, code: ReasonCode
) -> Action:
    spec = working.specs[entry.spec]
    return Action(
        kind=ActionKind.DELETE,
        session=spec.name,
        replica=entry.replica,
        replicas=spec.replicas,
        name=entry.name,
        reason=Reason(code),
        group=spec.group,
        id=session.id,
        record=working.records.get(entry.key),
        sessions_to_delete=(SessionToDelete(session.id, active=session.phase.active, why=DeleteReason.SURPLUS),),
    )
