"""The decision table: for one replica, the first row that fits. Rows that create are passed on to the gates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.model.durations import format_exact, format_rounded
from skaha_apply.model.plan import Action, ActionKind, SessionToDelete
from skaha_apply.model.session import Phase
from skaha_apply.planning import attempts, diff
from skaha_apply.planning.decisions import deadlines
from skaha_apply.planning.digest import same_version
from skaha_apply.planning.options import Adopt
from skaha_apply.planning.tracking.vanished import ENOUGH, counts_as_complete
from skaha_apply.planning.working_state import resembles

if TYPE_CHECKING:
    from skaha_apply.model.plan import Change
    from skaha_apply.model.session import LiveSession
    from skaha_apply.model.spec import DesiredReplica, SessionSpec
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.planning.situation import Situation

SHORT_LIFE = 600.0  # seconds: an interactive session that lived less is started again with a back-off

_ACTIVE_REASON = {
    Phase.ACCEPTED: "accepted, not listed yet",
    Phase.PENDING: "pending",
    Phase.RUNNING: "running",
    Phase.TERMINATING: "terminating",
}


def decide(replica: DesiredReplica, situation: Situation) -> Action:
    """The action for a replica that the manifest asks for."""
    key = replica.key
    record = situation.working_state.records.get(key)
    if key in situation.working_state.intents:
        reason = "an earlier create has had no clear answer; a later list decides"
        return _action(ActionKind.WAIT, replica, reason, record)
    if key in situation.deleting:
        return _action(ActionKind.WAIT, replica, "its old session is being deleted", record)
    if record is None:
        return _unrecorded(replica, situation)
    if record.phase is Phase.HELD:
        return _action(ActionKind.UNCHANGED, replica, "on hold", record)
    action = _recorded(replica, record, situation)
    if key in situation.adopted and action.kind in (ActionKind.UNCHANGED, ActionKind.DONE, ActionKind.FAILED):
        return _action(ActionKind.ADOPT, replica, "made by an earlier create whose answer was lost", record)
    return action


def _recorded(replica: DesiredReplica, record: ReplicaRecord, situation: Situation) -> Action:
    spec = replica.spec
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


def _active(replica: DesiredReplica, record: ReplicaRecord, situation: Situation, but: str = "") -> Action:
    """A session that is left to run, unless it takes too long, or its deadline is near; `but` is said of it as well."""
    now, spec = situation.now, replica.spec
    what = _ACTIVE_REASON.get(record.phase, f"status {record.note or 'unknown'}")
    if over := deadlines.overdue(record, spec, now):
        if record.id and not (spec.protect or situation.working_state.specs[record.spec].protect):
            victims = (SessionToDelete(record.id, active=True, why="timeout"),)
            about = _about(ActionKind.DELETE, replica, f"{attempts.TIMED_OUT}: {over}")
            return replace(about, name=record.name, id=record.id, record=record, victims=victims)
        what = f"{over}, but it is protected"
    kind = ActionKind.UNCHANGED
    if due := deadlines.renewal(record, spec, now):
        kind, what = ActionKind.RENEW, due
    return _action(kind, replica, f"{what}; {but}" if but else what, record)


def _ended(replica: DesiredReplica, record: ReplicaRecord, situation: Situation) -> Action:
    """A batch session that has ended, or vanished; another run number than the recorded one says to run it again."""
    spec = replica.spec
    if replica.run_number != record.run_number:
        return _create(replica, record, _again(spec), attempt=1)
    if record.phase is Phase.DONE:
        return _action(ActionKind.DONE, replica, "completed", record)
    if record.phase is Phase.FAILED:
        return _failed(replica, record, situation)
    if spec.vanished == "rerun" and record.vanished < ENOUGH:
        return _create(replica, record, f"{record.note}; run again (vanished: rerun)", attempt=1)
    if spec.vanished == "complete":
        return _action(ActionKind.DONE, replica, f"{record.note}; taken as complete (vanished: complete)", record)
    return _action(ActionKind.UNKNOWN, replica, f"{record.note}; held until it is marked", record)


def _why_due(record: ReplicaRecord) -> str:
    """Why a replica without a session needs one."""
    if record.phase is Phase.GONE:
        return f"{record.note or 'its session disappeared'}; treated as deleted"
    return record.note or "its session was deleted"


def _again(spec: SessionSpec) -> str:
    """Why what has ended runs again."""
    if isinstance(spec.rerun, str):
        return f"completed; run again (rerun: {spec.rerun})"
    return f"completed more than {format_exact(spec.rerun)} ago"


def _failed(replica: DesiredReplica, record: ReplicaRecord, situation: Situation) -> Action:
    """A failed attempt: tried again after a back-off, as often as the spec allows."""
    spec = replica.spec
    reason = attempts.failure(record, spec)
    if record.attempt > spec.retries:
        return _action(ActionKind.FAILED, replica, reason, record)
    ended = record.ended or record.seen or 0.0
    if left := attempts.left_of_wait(spec.retry_wait, record.attempt, ended, situation.now):
        return _action(ActionKind.WAIT, replica, f"{reason}; tried again in {format_rounded(left)}", record)
    about = _about(ActionKind.RETRY, replica, reason)
    return replace(about, id=record.id, record=record, attempt=record.attempt + 1)


def _succeeded(record: ReplicaRecord, spec: SessionSpec) -> bool:
    return record.phase is Phase.DONE and not spec.kind.interactive


def _differs(replica: DesiredReplica, record: ReplicaRecord, situation: Situation) -> tuple[bool, bool]:
    """Whether work and run differ; digests made by another recipe are not compared, the recorded spec is."""
    if same_version(record.work, replica.work):
        return record.work != replica.work, record.run != replica.run
    recorded = situation.working_state.specs[record.spec]
    work = not diff.same_work(recorded, replica.spec)
    return work, work or not diff.same_resources(recorded, replica.spec)


def _changed(replica: DesiredReplica, record: ReplicaRecord, situation: Situation) -> Action:
    spec, recorded = replica.spec, situation.working_state.specs[record.spec]
    changes = situation.changes(record.spec, spec)
    reason = "spec changed" if changes else f"what it needs changed: {', '.join(spec.needs)}"
    done = _succeeded(record, recorded) or counts_as_complete(record, recorded, spec)
    if (spec.protect or recorded.protect) and (record.phase.active or done):
        but = f"{reason}, but it is protected"
        if deadlines.renewal(record, spec, situation.now):
            return _active(replica, record, situation, but)
        return _action(ActionKind.PROTECTED, replica, but, record, changes)
    if spec.rerun == "never" and (record.phase.active or done):
        but = f"{reason}, but it never runs again (rerun: never)"
        if done:
            return _action(ActionKind.DONE, replica, f"completed; {but}", record, changes)
        return replace(_active(replica, record, situation, but), changes=changes)
    victims = (SessionToDelete(record.id, active=True, why="replace"),) if record.phase.active and record.id else ()
    about = _about(ActionKind.REPLACE, replica, reason)
    return replace(about, id=record.id, changes=changes, record=record, victims=victims)


def _restarted(replica: DesiredReplica, record: ReplicaRecord, situation: Situation) -> Action:
    """An interactive session that ended or is gone is kept alive; one that died young only after a back-off."""
    ended = record.ended or record.seen or 0.0
    began = record.started or record.accepted or ended
    why = "someone deleted it" if record.phase is Phase.GONE else "it ended"
    if ended - began >= SHORT_LIFE:
        return _create(replica, record, why, attempt=1)
    first, now = replica.spec.retry_wait, situation.now
    if left := attempts.left_of_wait(first, record.attempt, ended, now):
        reason = f"{why} after {ended - began:.0f}s; started again in {left:.0f}s"
        return _action(ActionKind.WAIT, replica, reason, record)
    return _create(replica, record, why, attempt=record.attempt + 1)


def _unrecorded(replica: DesiredReplica, situation: Situation) -> Action:
    strangers = situation.unmanaged(replica.name)
    if not strangers:
        return _create(replica, None, "not in the state and not live", attempt=1)
    active = [session for session in strangers if session.phase.active]
    if situation.options.take_over:
        victims = tuple(SessionToDelete(session.id, active=True, why="take-over") for session in active)
        about = _about(ActionKind.REPLACE, replica, "taken over from a session that is not ours")
        return replace(about, id=strangers[0].id, victims=victims)
    if found := _adoptable(replica, strangers, situation.options.adopt):
        return _adoption(replica, found)
    hint = "--adopt records it, --take-over replaces it"
    which = "one" if len(strangers) == 1 else f"{len(strangers)}"
    reason = f"{which} of that name exists that this state does not own ({strangers[0].status}); {hint}"
    return replace(_about(ActionKind.CONFLICT, replica, reason), id=strangers[0].id)


def _adoptable(replica: DesiredReplica, strangers: tuple[LiveSession, ...], adopt: Adopt) -> LiveSession | None:
    """The one stranger that may be adopted: it matches, and no second active one bears the name."""
    if adopt is Adopt.NONE:
        return None
    active = [session for session in strangers if session.phase.active]
    ended = [session for session in strangers if session.phase is Phase.DONE] if adopt is Adopt.ENDED else []
    candidates = active or ended[:1]
    if len(candidates) != 1 or not resembles(candidates[0], replica.spec):
        return None
    return candidates[0]


def _adoption(replica: DesiredReplica, found: LiveSession) -> Action:
    reason = "image, kind and resources match; cmd, args, env and REPLICA_COUNT could not be compared"
    return replace(_about(ActionKind.ADOPT, replica, reason), id=found.id, adopted=found)


def _create(
    replica: DesiredReplica,
    record: ReplicaRecord | None,
    reason: str,
    attempt: int,
    changes: tuple[Change, ...] = (),
) -> Action:
    return replace(
        _about(ActionKind.CREATE, replica, reason),
        changes=changes,
        record=record,
        attempt=attempt,
        unloved=record is not None and record.phase is Phase.GONE,
    )


def _action(
    kind: ActionKind,
    replica: DesiredReplica,
    reason: str,
    record: ReplicaRecord | None,
    changes: tuple[Change, ...] = (),
) -> Action:
    """An action that leaves the replica as it is recorded."""
    name, session_id = (record.name, record.id) if record else (replica.name, None)
    return replace(_about(kind, replica, reason), name=name, id=session_id, changes=changes, record=record)


def _about(kind: ActionKind, replica: DesiredReplica, reason: str) -> Action:
    return Action(
        kind=kind,
        session=replica.spec.name,
        replica=replica.replica,
        replicas=replica.spec.replicas,
        name=replica.name,
        reason=reason,
        group=replica.spec.group,
        desired=replica,
    )
