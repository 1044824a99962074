"""The report of an apply: what the summary of its last pass means, in notes and texts, and the logs of failures."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted, noun_for
from skaha_apply.model.errors import SkahaApplyError, TimeoutReached
from skaha_apply.model.report import EndedEarly, FailedLog, Note, Report
from skaha_apply.render.reasons import reason_text
from skaha_apply.workflow.logs import failed_log, shown_path
from skaha_apply.workflow.reconcile.summaries import invocation_end, pass_summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from skaha_apply.planning.summary.pass_summary import PassSummary
    from skaha_apply.workflow.reconcile.request import ApplyRequest
    from skaha_apply.workflow.reconcile.results import PassResult, Progress

MOST_LOGS = 5
MOST_REASONS = 3


def make_report(request: ApplyRequest, progress: Progress, last: PassResult) -> Report:
    """The report of an invocation, from what it asked for, what it has done, and its last pass."""
    end = invocation_end(request, progress, last)
    summary, waited = end.summary, end.wait != "none" and not end.declined
    return Report(
        project=request.project.name,
        applied=dict(progress.applied),
        failed=end.done.failures,
        sessions=summary.replicas,
        exit_codes=end.exit_codes,
        notes=(*progress.notes, *_reason_of_stop(last), *_not_created_again(summary)),
        logs=_failed_logs(request, summary),
        not_started=summary.unfinished if waited else (),
        resume=_resume(request, last, summary),
        causes=summary.causes,
        usage=replace(usage, logs=_log_folder(request)) if waited and (usage := end.usage) else None,
        plan=last.plan,
    )


def _log_folder(request: ApplyRequest) -> str:
    """The folder of the saved logs as it is printed; "" if there are none."""
    location = request.context.location
    folder = location.logs(request.project.name).folder
    return shown_path(folder, location.setting.cwd) if location.setting.keep_logs and folder.exists() else ""


def _resume(request: ApplyRequest, last: PassResult, summary: PassSummary) -> str:
    """What another invocation has to do, in one sentence; "" if nothing is left for one."""
    if last.declined or last.approval is None or request.options.plan.destroying:
        return ""
    parts = (
        [f"--limit {request.options.limit} leaves {counted(last.left_out, 'action')} for another invocation"]
        if last.left_out
        else []
    )
    if waiting := waiting_replicas(summary):
        parts.append(waiting.replace(" (", " for another invocation (", 1))
    if isinstance(last.stopped, TimeoutReached):
        parts.append("work is left")
    return "; ".join(parts)


def waiting_replicas(summary: PassSummary) -> str:
    """`22 replicas wait (limit of tile reached (parallelism 8))`; "" if none waits."""
    if not summary.waiting:
        return ""
    number = sum(one.count for one in summary.waiting)
    reasons = list(dict.fromkeys(one.reason for one in summary.waiting))
    more = f"; and {len(reasons) - MOST_REASONS} more reasons" if len(reasons) > MOST_REASONS else ""
    what = f"{counted(number, 'replica')} {noun_for(number, 'waits', 'wait')}"
    return f"{what} ({'; '.join(map(reason_text, reasons[:MOST_REASONS]))}{more})"


@contextmanager
def reporting_early_end(request: ApplyRequest, progress: Progress, latest: Callable[[], PassResult]) -> Iterator[None]:
    """Report what an error or an interrupt leaves; for people only after an interrupt, once a plan is approved."""
    try:
        yield
    except (asyncio.CancelledError, SkahaApplyError) as error:
        if isinstance(error, asyncio.CancelledError) and latest().approval is not None:
            request.observe(Note(_left_by_interrupt(request, pass_summary(request, latest()))))
        request.observe(EndedEarly(make_report(request, progress, latest())))
        raise


def _left_by_interrupt(request: ApplyRequest, summary: PassSummary) -> str:
    """The sessions that continue after an interrupt, the replicas not created yet, and those due for a retry."""
    active, retries = len(summary.active), len(summary.retried)
    again = f", and {counted(retries, 'replica waits', 'replicas wait')} for a retry" if retries else ""
    return (
        f"{request.project.name}: {counted(active, 'session is', 'sessions are')} active and "
        f"{noun_for(active, 'continues', 'continue')} on the server; "
        f"{counted(summary.not_created - retries, 'replica is', 'replicas are')} not created yet{again}"
    )


def _reason_of_stop(last: PassResult) -> Iterator[str]:
    if last.stopped is not None:
        yield f"{last.stopped.message}; {last.stopped.hint}" if last.stopped.hint else last.stopped.message


def _not_created_again(summary: PassSummary) -> Iterator[str]:
    if summary.not_created_again:
        yield f"deleted and not created again yet: {summary.not_created_again}; the next apply creates them"


def _failed_logs(request: ApplyRequest, summary: PassSummary) -> tuple[FailedLog, ...]:
    """The last lines of the saved logs of the first failed replicas."""
    specs, failed = summary.snapshot.specs, summary.failed[:MOST_LOGS]
    found = (failed_log(request.context, request.project.name, one, specs.get(one.spec)) for one in failed)
    return tuple(log for log in found if log is not None)
