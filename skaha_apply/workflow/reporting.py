"""The end of an apply: counts, what failed, where each replica stands, and the exit code that follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.apply.keep import label
from skaha_apply.model.errors import ExitCode, StateError, TimeoutReached, worst
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.report import FailedLog, ReplicaReport, Report
from skaha_apply.model.session import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.plan import Action
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.workflow.run import Run

TAIL_LINES = 20
MOST_LOGS = 5


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
        notes=(*run.notes, *([run.halted.message] if isinstance(run.halted, TimeoutReached) else [])),
        logs=tuple(_logs(run, failed)),
    )


def _replica(action: Action, record: ReplicaRecord | None, run: Run) -> ReplicaReport:
    live = run.listing.by_id.get(record.id) if record and record.id and run.listing else None
    deleted = action.kind is ActionKind.DELETE and record is not None and record.phase is Phase.DUE
    return ReplicaReport(
        name=record.name if record else action.name,
        replica=action.replica,
        id=record.id if record else None,
        phase="deleted" if deleted else record.phase.value if record else action.kind.value,
        session=action.session,
        connect_url=live.connect_url if live else "",
    )


def _exit_code(run: Run, wanted: list[Action], records: Iterable[ReplicaRecord]) -> ExitCode:
    codes = [ExitCode.OK]
    if run.declined:
        codes.append(ExitCode.ERROR)
    if isinstance(run.halted, TimeoutReached):
        codes.append(ExitCode.TIMEOUT)
    elif run.halted is not None:
        codes.append(ExitCode.PARTIAL)
    failures = [one for one in run.failures.values() if run.halted is None or one.error != run.halted.message]
    if failures or any(action.kind is ActionKind.CONFLICT for action in wanted):
        codes.append(ExitCode.PARTIAL)
    headless = {action.key for action in wanted if action.desired and not action.desired.spec.kind.interactive}
    if any(record.phase in (Phase.FAILED, Phase.UNKNOWN) and record.key in headless for record in records):
        codes.append(ExitCode.UNFINISHED)
    return worst(codes)


def _logs(run: Run, failed: list[ReplicaRecord]) -> Iterable[FailedLog]:
    """The ends of the saved logs of replicas that failed, of the first few."""
    logs = run.world.place.logs(run.project.name)
    for record in failed[:MOST_LOGS]:
        try:
            saved = logs.read(record.name, label(record))
        except StateError:
            continue
        text = saved[0] or saved[1] if saved else ""
        yield FailedLog(
            name=record.name,
            id=record.id or "",
            path=str(logs.path(record.name, label(record))) if saved else "",
            tail="\n".join(text.rstrip().splitlines()[-TAIL_LINES:]),
        )
