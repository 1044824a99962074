"""The decision table: a replica gets the first row that fits. The gates then check the rows that create."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from skaha_apply.model.masking.session_ids import is_hidden
from skaha_apply.model.plan import Action, ActionKind, SessionToDelete
from skaha_apply.model.reasons import DeleteReason, Reason, ReasonCode
from skaha_apply.model.session import Phase
from skaha_apply.planning import attempts, diff
from skaha_apply.planning.decisions import deadlines
from skaha_apply.planning.digest import same_version
from skaha_apply.planning.options import Adopt
from skaha_apply.planning.tracking.vanished import ENOUGH, counts_as_complete
from skaha_apply.planning.working_state import resembling_spec

if TYPE_CHECKING:
    from skaha_apply.model.plan import Change
    from skaha_apply.model.session import LiveSession
    from skaha_apply.model.spec import DesiredReplica, SessionSpec
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.planning.situation import Situation

SHORT_LIFE = 600.0  # seconds: an interactive session that ended sooner is started again after a back-off

_ACTIVE_REASON = {
    Phase.ACCEPTED: Reason(ReasonCode.ACCEPTED),
    Phase.PENDING: Reason(ReasonCode.PENDING),
    Phase.RUNNING: Reason(ReasonCode.RUNNING),
    Phase.TERMINATING: Reason(ReasonCode.TERMINATING),
}
_COMPLETED = Reason(ReasonCode.COMPLETED)
_NEW = Reason(ReasonCode.NEW)
_NEW_OFFLINE = Reason(ReasonCode.NEW_OFFLINE)


def decide(replica: DesiredReplica, situation: Situation) -> Action:
    """The action for a replica that the manifest asks for."""
    key = replica.key
    record = situation.working_state.records.get(key)
    if key in situation.working_state.intents:
        return _action(ActionKind.WAIT, replica, Reason(ReasonCode.CREATE_UNCONFIRMED), record)
    if key in situation.deleting:
        return _action(ActionKind.WAIT, replica, Reason(ReasonCode.DELETE_PENDING), record)
    if record is None:
        return _unrecorded(replica, situation)
    if record.phase is Phase.HELD:
        return _action(ActionKind.UNCHANGED, replica, Reason(ReasonCode.ON_HOLD), record)
    action = _recorded(replica, record, situation)
    if key in situation.adopted and action.kind in (ActionKind.UNCHANGED, ActionKind.DONE, ActionKind.FAILED):
        return _action(ActionKind.ADOPT, replica, Reason(ReasonCode.CREATE_CONFIRMED_LATE), record)
    return action


def _recorded(replica: DesiredReplica, record: ReplicaRecord, situation: Situation) -> Action:
    spec = replica.spec
    if record.phase.active and record.id and is_hidden(record.id):
        name = f"{spec.name}/{replica.replica}"
        return _action(ActionKind.UNCHANGED, replica, Reason(ReasonCode.ID_UNKNOWN, name=name), record)
    work, run = _differs(replica, record, situation)
    if record.phase is Phase.GONE and spec.kind.interactive and not (work or run):
        return _restarted(replica, record, situation)
    complete = counts_as_complete(record, situation.working_state.specs[record.spec], spec)
    if record.phase in (Phase.DUE, Phase.GONE) and not complete:
        changes = situation.changes(record.spec, spec) if work or run else ()
        attempt = 1 if work or run else record.attempt
        return _create(replica, record, _why_due(record), attempt, changes)
    if work or (run and not (complete or _succeeded(record, spec))):
        return _changed(replica, record, situation)
    if record.phase.active:
        return _active(replica, record, situation)
    return _restarted(replica, record, situation) if spec.kind.interactive else _ended(replica, record, situation)


def _active(replica: DesiredReplica, record: ReplicaRecord, situation: Situation, but: Reason | None = None) -> Action:
    """Keep an active session, unless its timeout has passed or its renewal is due; `but` is appended to the reason."""
    now, spec = situation.now, replica.spec
    what = _ACTIVE_REASON.get(record.phase) or Reason(ReasonCode.UNKNOWN_STATUS, status=record.note or "unknown")
    if over := deadlines.overdue(record, spec, now):
        if record.id and not (spec.protect or situation.working_state.specs[record.spec].protect):
            note = f"timed out: {deadlines.overdue_note(over)}"
            sessions_to_delete = (SessionToDelete(record.id, active=True, why=DeleteReason.TIMEOUT, note=note),)
            timed_out = Reason(ReasonCode.TIMED_OUT, cause=over)
            return _action(ActionKind.DELETE, replica, timed_out, record, sessions_to_delete=sessions_to_delete)
        what = Reason(ReasonCode.PROTECTED, cause=over)
    kind = ActionKind.UNCHANGED
    if due := deadlines.renewal(record, spec, now):
        kind, what = ActionKind.RENEW, due
    return _action(kind, replica, what.and_also(but), record)


def _ended(replica: DesiredReplica, record: ReplicaRecord, situation: Situation) -> Action:
    """The action for an ended or vanished batch session. A run number that is not the recorded one reruns it."""
    spec = replica.spec
    if replica.run_number != record.run_number:
        return _create(replica, record, _rerun_reason(spec), attempt=1)
    if record.phase is Phase.DONE:
        return _action(ActionKind.DONE, replica, _COMPLETED, record)
    if record.phase is Phase.FAILED:
        return _failed(replica, record, situation)
    if spec.vanished == "rerun" and record.vanished < ENOUGH:
        return _create(replica, record, Reason(ReasonCode.VANISHED_RERUN, note=record.note), attempt=1)
    if spec.vanished == "complete":
        return _action(ActionKind.DONE, replica, Reason(ReasonCode.VANISHED_COMPLETE, note=record.note), record)
    return _action(ActionKind.UNKNOWN, replica, Reason(ReasonCode.VANISHED_HOLD, note=record.note), record)


def _why_due(record: ReplicaRecord) -> Reason:
    """Why a replica without a session needs a session."""
    if record.phase is Phase.GONE:
        return Reason(ReasonCode.DISAPPEARED, note=record.note)
    return Reason(ReasonCode.DUE, note=record.note or "its session was deleted")


def _rerun_reason(spec: SessionSpec) -> Reason:
    """Why an ended replica runs again."""
    if isinstance(spec.rerun, str):
        return Reason(ReasonCode.RERUN_ALWAYS, rerun=spec.rerun)
    return Reason(ReasonCode.RERUN_AGE, age=spec.rerun)


def _failed(replica: DesiredReplica, record: ReplicaRecord, situation: Situation) -> Action:
    """Retry a failed replica after a back-off, until `retries` of the spec is used up."""
    spec = replica.spec
    if record.attempt > spec.retries:
        return _action(ActionKind.FAILED, replica, attempts.failure(record, spec), record)
    reason = attempts.why_retry(record, spec)
    ended = record.ended or record.seen or 0.0
    if left := attempts.left_of_wait(spec.retry_wait, record.attempt, ended, situation.now):
        later = Reason(ReasonCode.RETRY_LATER, failure=reason, left=left)
        return _action(ActionKind.WAIT, replica, later, record)
    return _about(ActionKind.RETRY, replica, reason, id=record.id, record=record, attempt=record.attempt + 1)


def _succeeded(record: ReplicaRecord, spec: SessionSpec) -> bool:
    return record.phase is Phase.DONE and not spec.kind.interactive


def _differs(replica: DesiredReplica, record: ReplicaRecord, situation: Situation) -> tuple[bool, bool]:
    """Whether the work and the run differ. If the versions of the digests differ, the recorded spec is compared."""
    if same_version(record.work, replica.work):
        return record.work != replica.work, record.run != replica.run
    recorded = situation.working_state.specs[record.spec]
    work = not diff.same_work(recorded, replica.spec)
    return work, work or not diff.same_resources(recorded, replica.spec)


def _changed(replica: DesiredReplica, record: ReplicaRecord, situation: Situation) -> Action:
    spec, recorded = replica.spec, situation.working_state.specs[record.spec]
    changes = situation.changes(record.spec, spec)
    reason = Reason(ReasonCode.SPEC_CHANGED)
    if not changes:
        reason = Reason(ReasonCode.DEPENDENCY_CHANGED, needs=", ".join(spec.needs))
    done = _succeeded(record, recorded) or counts_as_complete(record, recorded, spec)
    if (spec.protect or recorded.protect) and (record.phase.active or done):
        but = Reason(ReasonCode.PROTECTED, cause=reason)
        if deadlines.renewal(record, spec, situation.now):
            return _active(replica, record, situation, but)
        return _action(ActionKind.PROTECTED, replica, but, record, changes=changes)
    if spec.rerun == "never" and (record.phase.active or done):
        but = Reason(ReasonCode.RERUN_NEVER, cause=reason)
        if done:
            return _action(ActionKind.DONE, replica, Reason(ReasonCode.COMPLETED, also=but), record, changes=changes)
        return replace(_active(replica, record, situation, but), changes=changes)
    sessions_to_delete: tuple[SessionToDelete, ...] = ()
    if record.phase.active and record.id:
        sessions_to_delete = (SessionToDelete(record.id, active=True, why=DeleteReason.REPLACE),)
    replaced = _about(ActionKind.REPLACE, replica, reason, record=record, sessions_to_delete=sessions_to_delete)
    return replace(replaced, id=record.id, changes=changes)


def _restarted(replica: DesiredReplica, record: ReplicaRecord, situation: Situation) -> Action:
    """Start an ended or deleted interactive session again. If it ended soon, a back-off comes first."""
    ended = record.ended or record.seen or 0.0
    began = record.started or record.accepted or ended
    deleted = record.phase is Phase.GONE
    why = Reason(ReasonCode.DELETED_BY_SOMEONE if deleted else ReasonCode.SESSION_ENDED)
    if ended - began >= SHORT_LIFE:
        return _create(replica, record, why, attempt=1)
    first, now = replica.spec.retry_wait, situation.now
    if left := attempts.left_of_wait(first, record.attempt, ended, now):
        reason = Reason(ReasonCode.RESTART_LATER, cause=why, lived=ended - began, left=left)
        return _action(ActionKind.WAIT, replica, reason, record)
    return _create(replica, record, why, attempt=record.attempt + 1)


def _unrecorded(replica: DesiredReplica, situation: Situation) -> Action:
    unmanaged = situation.unmanaged(replica.name)
    if not unmanaged:
        return _about(ActionKind.CREATE, replica, _NEW_OFFLINE if situation.offline else _NEW)
    active = [session for session in unmanaged if session.phase.active]
    if situation.options.take_over:
        sessions_to_delete = tuple(
            SessionToDelete(session.id, active=True, why=DeleteReason.TAKE_OVER) for session in active
        )
        reason = Reason(ReasonCode.TAKE_OVER)
        return _about(ActionKind.REPLACE, replica, reason, id=unmanaged[0].id, sessions_to_delete=sessions_to_delete)
    if found := _adoptable(replica, unmanaged, situation.options.adopt):
        return _adoption(replica, found)
    reason = Reason(ReasonCode.UNMANAGED_SESSION, sessions=len(unmanaged), status=unmanaged[0].status)
    return _about(ActionKind.CONFLICT, replica, reason, id=unmanaged[0].id)


def _adoptable(replica: DesiredReplica, unmanaged: tuple[LiveSession, ...], adopt: Adopt) -> LiveSession | None:
    """The unmanaged session that can be adopted: it matches, and no second active session has its name."""
    if adopt is Adopt.NONE:
        return None
    active = [session for session in unmanaged if session.phase.active]
    ended = [session for session in unmanaged if session.phase is Phase.DONE] if adopt is Adopt.ENDED else []
    candidates = active or ended[:1]
    if len(candidates) != 1 or resembling_spec(candidates[0], replica.spec) is None:
        return None
    return candidates[0]


def _adoption(replica: DesiredReplica, found: LiveSession) -> Action:
    return _about(ActionKind.ADOPT, replica, Reason(ReasonCode.MATCHES), id=found.id, adopted=found)


def _create(
    replica: DesiredReplica,
    record: ReplicaRecord | None,
    reason: Reason,
    attempt: int,
    changes: tuple[Change, ...] = (),
) -> Action:
    return _about(
        ActionKind.CREATE,
        replica,
        reason,
        changes=changes,
        record=record,
        attempt=attempt,
        counts_as_mass=record is not None and record.phase is Phase.GONE,
    )


def _action(
    kind: ActionKind,
    replica: DesiredReplica,
    reason: Reason,
    record: ReplicaRecord | None,
    **fields: Any,
) -> Action:
    """An action with the recorded name and session ID of the replica, and further fields."""
    if record is None:
        return _about(kind, replica, reason, **fields)
    return _about(kind, replica, reason, name=record.name, id=record.id, record=record, **fields)


def _about(kind: ActionKind, replica: DesiredReplica, reason: Reason, name: str = "", **fields: Any) -> Action:
    """An action with further fields; `name` is that of the replica by default."""
    spec = replica.spec
    common = (kind, spec.name, replica.replica, spec.replicas, name or replica.name, reason, spec.group)
    return Action(*common, desired=replica, **fields)
