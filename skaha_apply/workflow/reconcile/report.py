"""The end of an apply: counts, what failed, where each replica stands, and the exit code that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.apply.log_saver import label
from skaha_apply.model.errors import ExitCode, SafetyRefusal, StateError, TimeoutReached, worst
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.report import FailedLog, ReplicaReport, Report
from skaha_apply.model.session import Phase
from skaha_apply.workflow.exit_codes import code_of
from skaha_apply.workflow.progress import not_started

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skaha_apply.model.plan import Action
    from skaha_apply.model.session import Kind
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.workflow.reconcile.run import Run

TAIL_LINES = 20
MOST_LOGS = 5
MOST_NAMED = 5
MOST_REASONS = 3
_UNFINISHED = (ActionKind.WAIT, ActionKind.BLOCKED, ActionKind.CONFLICT, ActionKind.UNKNOWN, ActionKind.PROTECTED)


def make_report(run: Run) -> Report:
    """The report of a call, from what it has come to."""
    known = {record.key: record for record in run.document.replicas} if run.document else {}
    wanted = [action for action in run.plan.actions if action.desired is not None] if run.plan else []
    shown = wanted or [action for action in run.plan.actions if action.record is not None] if run.plan else []
    failed = [known[action.key] for action in wanted if action.key in known and known[action.key].phase is Phase.FAILED]
    return Report(
        project=run.project.name,
        applied=dict(run.applied),
        failed=tuple(run.failures.values()),
        sessions=tuple(_replica(action, known.get(action.key), run) for action in shown),
        exit_code=_exit_code(run, wanted, known.values()),
        notes=(*run.notes, *_halt(run), *_missing(wanted, known, run)),
        logs=tuple(_logs(run, failed)),
        not_started=not_started(wanted, _UNFINISHED) if run.options.wait != "none" and not run.declined else (),
        resume=_resume(wanted, run),
    )


def _resume(wanted: list[Action], run: Run) -> str:
    """What another invocation has to go on with, in one sentence; "" if nothing waits for one."""
    if run.declined or run.approved is None or run.options.plan.destroying:
        return ""
    later = [action for action in wanted if action.kind is ActionKind.WAIT or action.held_back]
    parts = [f"--limit {run.options.limit} left {run.cut} actions undone"] if run.cut else []
    if later:
        reasons = list(dict.fromkeys(hold.reason for hold in not_started(later, frozenset(ActionKind))))
        more = f"; and {len(reasons) - MOST_REASONS} more reasons" if len(reasons) > MOST_REASONS else ""
        what = "1 replica waits" if len(later) == 1 else f"{len(later)} replicas wait"
        parts.append(f"{what} for another invocation ({'; '.join(reasons[:MOST_REASONS])}{more})")
    if isinstance(run.halted, TimeoutReached):
        parts.append("work is left")
    return "; ".join(parts)


def interrupted(run: Run) -> str:
    """What an interrupt leaves: the sessions that continue, and the replicas that have not started."""
    known = {record.key: record for record in run.document.replicas} if run.document else {}
    active = {key for key, record in known.items() if record.phase.active}
    wanted = [action for action in run.plan.actions if action.desired is not None] if run.plan else []
    later = sum(code_of(action) is ExitCode.CHANGES and action.key not in active for action in wanted)
    return (
        f"{run.project.name}: {len(active)} sessions are active and continue on the server; "
        f"{later} replicas have not started"
    )


def _replica(action: Action, record: ReplicaRecord | None, run: Run) -> ReplicaReport:
    live = run.listing.by_id.get(record.id) if record and record.id and run.listing else None
    return ReplicaReport(
        name=record.name if record else action.name,
        replica=action.replica,
        id=record.id if record else None,
        phase=_phase(action, record, run),
        session=action.session,
        connect_url=live.connect_url if live else "",
    )


def _phase(action: Action, record: ReplicaRecord | None, run: Run) -> str:
    """Where a replica stands, in a word: what stands in its way, or what became of its session."""
    if record is None:
        return action.kind.value
    if record.id in _sent(run):
        return "deleted"
    if record.phase in (Phase.DUE, Phase.GONE):
        words = {ActionKind.DELETE: "deleted", ActionKind.CONFLICT: "conflict", ActionKind.BLOCKED: "blocked"}
        return words.get(action.kind, record.phase.value)
    return record.phase.value


def _sent(run: Run) -> frozenset[str]:
    """The ids whose DELETE was sent, and that were not yet seen to be gone."""
    return frozenset(tomb.id for tomb in run.document.tombstones if tomb.sent) if run.document else frozenset()


def _halt(run: Run) -> Iterable[str]:
    if run.halted is not None:
        yield f"{run.halted.message}; {run.halted.hint}" if run.halted.hint else run.halted.message


def _missing(wanted: list[Action], known: Mapping[ReplicaKey, ReplicaRecord], run: Run) -> Iterable[str]:
    """What was deleted to be replaced, and is not there again since the run came to an end before."""
    replaced = [action for action in wanted if action.kind is ActionKind.REPLACE and action.victims]
    left = [action.name for action in replaced if not action.held_back and _is_missing(known.get(action.key), run)]
    if left:
        more = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
        yield f"deleted and not created again yet: {', '.join(left[:MOST_NAMED])}{more}; the next apply creates them"


def _is_missing(record: ReplicaRecord | None, run: Run) -> bool:
    return record is not None and (record.phase is Phase.DUE or record.id in _sent(run))


def _exit_code(run: Run, wanted: list[Action], records: Iterable[ReplicaRecord]) -> ExitCode:
    codes = [ExitCode.OK]
    if run.declined:
        codes.append(ExitCode.ERROR)
    if isinstance(run.halted, TimeoutReached):
        codes.append(ExitCode.TIMEOUT)
    elif isinstance(run.halted, SafetyRefusal):
        codes.append(ExitCode.REFUSED)
    elif run.halted is not None:
        codes.append(ExitCode.PARTIAL)
    failures = [one for one in run.failures.values() if run.halted is None or one.error != run.halted.message]
    if failures or any(action.kind is ActionKind.CONFLICT for action in wanted):
        codes.append(ExitCode.PARTIAL)
    judged = {action.key for action in wanted if action.desired and _is_final(action, action.desired.spec.kind)}
    if any(record.phase in (Phase.FAILED, Phase.UNKNOWN) and record.key in judged for record in records):
        codes.append(ExitCode.UNFINISHED)
    if run.options.wait != "none" and not run.declined:
        codes.append(_code_of_wait(wanted, run))
    return worst(codes)


def _code_of_wait(wanted: list[Action], run: Run) -> ExitCode:
    """The exit code of what a wait leaves; after `--wait complete` every replica in scope has to be done."""
    codes = set(map(code_of, wanted))
    ended = run.options.wait == "complete" and run.halted is None
    if ended and ExitCode.CHANGES in codes:
        codes.add(ExitCode.UNFINISHED)
    return worst(codes - {ExitCode.CHANGES})


def _is_final(action: Action, kind: Kind) -> bool:
    """Whether a replica that has failed stays so: a retry that is due, or waits for its time or a place, comes yet."""
    coming = action.kind is ActionKind.RETRY or (action.kind is ActionKind.WAIT and not action.hangs)
    return not kind.interactive and not coming


def _logs(run: Run, failed: list[ReplicaRecord]) -> Iterable[FailedLog]:
    """The ends of the saved logs of replicas that failed, of the first few."""
    logs = run.world.location.logs(run.project.name)
    for record in failed[:MOST_LOGS]:
        spec = run.document.specs.get(record.spec) if run.document else None
        try:
            saved = logs.read(record.name, label(record, spec))
        except StateError:
            continue
        text = run.world.client.hide(saved[0] or saved[1]) if saved else ""
        yield FailedLog(
            name=record.name,
            id=record.id or "",
            path=str(logs.path(record.name, label(record, spec))) if saved else "",
            tail="\n".join(text.rstrip().splitlines()[-TAIL_LINES:]),
        )
