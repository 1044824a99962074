"""The end of an apply: counts, failures, the phase of each replica, and the exit code that follows."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted, first_names, noun_for
from skaha_apply.model.errors import ExitCode, SafetyRefusal, SkahaApplyError, TimeoutReached
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.report import EndedEarly, FailedLog, Note, ReplicaReport, Report, Usage
from skaha_apply.model.session import Phase
from skaha_apply.planning.attempts import cause_of_failure
from skaha_apply.planning.failure_cause import shared_causes
from skaha_apply.planning.summary.core_hours import used_core_hours
from skaha_apply.planning.summary.entry_summaries import has_another_attempt, not_started
from skaha_apply.render.reasons import reason_text
from skaha_apply.workflow.exit_codes import code_of
from skaha_apply.workflow.logs import failed_log, shown_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from skaha_apply.model.plan import Action
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.workflow.reconcile.request import ApplyRequest
    from skaha_apply.workflow.reconcile.results import PassResult, Progress

MOST_LOGS = 5
MOST_NAMED = 5
MOST_REASONS = 3
_UNFINISHED = (ActionKind.WAIT, ActionKind.BLOCKED, ActionKind.CONFLICT, ActionKind.UNKNOWN, ActionKind.PROTECTED)


def make_report(request: ApplyRequest, progress: Progress, last: PassResult) -> Report:
    """The report of an invocation, from what it asked for, what it has done, and its last pass."""
    records, desired = _records(last), _desired_actions(last)
    shown = desired or [action for action in last.plan.actions if action.record is not None] if last.plan else []
    with_records = [records[action.key] for action in desired if action.key in records]
    waited = request.options.wait != "none" and not last.declined
    return Report(
        project=request.project.name,
        applied=dict(progress.applied),
        failed=tuple(progress.failures.values()),
        sessions=tuple(_replica(action, records.get(action.key), last) for action in shown),
        exit_codes=frozenset(_exit_codes(request, progress, last)),
        notes=(*progress.notes, *_reason_of_stop(last), *_not_created_again(desired, records, last)),
        logs=_failed_logs(request, last, [one for one in with_records if one.phase is Phase.FAILED]),
        not_started=not_started(desired, _UNFINISHED) if waited else (),
        resume=_resume(request, last),
        causes=shared_causes(
            ((record.name, cause_of_failure(record)) for record in with_records),
            {records[one.key].name for one in desired if has_another_attempt(one, records.get(one.key))},
        ),
        usage=_usage(request, progress, last) if waited else None,
        plan=last.plan,
    )


def _usage(request: ApplyRequest, progress: Progress, last: PassResult) -> Usage | None:
    """What the wait has used since the first listing of the invocation."""
    if progress.began is None or last.document is None:
        return None
    now, cores = request.context.client.now(), last.offer.default_cores
    hours = used_core_hours(last.document.replicas, last.document.specs, progress.began, now, cores)
    location = request.context.location
    logs = location.logs(request.project.name)
    has_logs = location.setting.keep_logs and logs.folder.exists()
    folder = shown_path(logs.folder, location.setting.cwd) if has_logs else ""
    return Usage(max(0.0, now - progress.began), hours, folder)


def _records(last: PassResult) -> dict[ReplicaKey, ReplicaRecord]:
    return {record.key: record for record in last.document.replicas} if last.document else {}


def _desired_actions(last: PassResult) -> list[Action]:
    return [action for action in last.plan.actions if action.desired is not None] if last.plan else []


def _resume(request: ApplyRequest, last: PassResult) -> str:
    """What another invocation has to do, in one sentence; "" if nothing is left for one."""
    if last.declined or last.approval is None or request.options.plan.destroying:
        return ""
    parts = (
        [f"--limit {request.options.limit} leaves {counted(last.left_out, 'action')} for another invocation"]
        if last.left_out
        else []
    )
    if waiting := waiting_replicas(last):
        parts.append(waiting.replace(" (", " for another invocation (", 1))
    if isinstance(last.stopped, TimeoutReached):
        parts.append("work is left")
    return "; ".join(parts)


def waiting_replicas(last: PassResult) -> str:
    """`22 replicas wait (limit of tile reached (parallelism 8))`; "" if none waits."""
    later = [one for one in _desired_actions(last) if one.kind is ActionKind.WAIT or one.create_later]
    if not later:
        return ""
    reasons = list(dict.fromkeys(hold.reason for hold in not_started(later, frozenset(ActionKind))))
    more = f"; and {len(reasons) - MOST_REASONS} more reasons" if len(reasons) > MOST_REASONS else ""
    what = f"{counted(len(later), 'replica')} {noun_for(len(later), 'waits', 'wait')}"
    return f"{what} ({'; '.join(map(reason_text, reasons[:MOST_REASONS]))}{more})"


@contextmanager
def reporting_early_end(request: ApplyRequest, progress: Progress, latest: Callable[[], PassResult]) -> Iterator[None]:
    """Report what an error or an interrupt leaves; for people only after an interrupt, once a plan is approved."""
    try:
        yield
    except (asyncio.CancelledError, SkahaApplyError) as error:
        if isinstance(error, asyncio.CancelledError) and latest().approval is not None:
            request.observe(Note(_left_by_interrupt(request, latest())))
        request.observe(EndedEarly(make_report(request, progress, latest())))
        raise


def _left_by_interrupt(request: ApplyRequest, last: PassResult) -> str:
    """The sessions that continue after an interrupt, the replicas not created yet, and those due for a retry."""
    records, desired = _records(last), _desired_actions(last)
    active = {key for key, record in records.items() if record.phase.active}
    later = sum(code_of(action) is ExitCode.CHANGES and action.key not in active for action in desired)
    retries = sum(has_another_attempt(action, records.get(action.key)) for action in desired)
    again = f", and {counted(retries, 'replica waits', 'replicas wait')} for a retry" if retries else ""
    return (
        f"{request.project.name}: {counted(len(active), 'session is', 'sessions are')} active and "
        f"{noun_for(len(active), 'continues', 'continue')} on the server; "
        f"{counted(later - retries, 'replica is', 'replicas are')} not created yet{again}"
    )


def _replica(action: Action, record: ReplicaRecord | None, last: PassResult) -> ReplicaReport:
    live = last.listing.by_id.get(record.id) if record and record.id and last.listing else None
    return ReplicaReport(
        name=record.name if record else action.name,
        replica=action.replica,
        id=record.id if record else None,
        phase=_phase(action, record, last),
        session=action.session,
        connect_url=live.connect_url if live else "",
        cause=cause_of_failure(record),
    )


def _phase(action: Action, record: ReplicaRecord | None, last: PassResult) -> str:
    """The progress of a replica in a word: what keeps it from starting, or the phase of its session."""
    if record is None:
        return action.kind.value
    if record.id in _sent_deletes(last):
        return "deleted"
    if record.phase in (Phase.DUE, Phase.GONE):
        words = {ActionKind.DELETE: "deleted", ActionKind.CONFLICT: "conflict", ActionKind.BLOCKED: "blocked"}
        return words.get(action.kind, record.phase.value)
    return record.phase.value


def _sent_deletes(last: PassResult) -> frozenset[str]:
    """The IDs of pending deletes whose request was sent."""
    if last.document is None:
        return frozenset()
    return frozenset(pending.id for pending in last.document.tombstones if pending.sent)


def _reason_of_stop(last: PassResult) -> Iterable[str]:
    if last.stopped is not None:
        yield f"{last.stopped.message}; {last.stopped.hint}" if last.stopped.hint else last.stopped.message


def _not_created_again(
    desired: Sequence[Action], records: Mapping[ReplicaKey, ReplicaRecord], last: PassResult
) -> Iterable[str]:
    """The replicas whose session was deleted for a replacement, while the run stopped before it was created."""
    replaced = [action for action in desired if action.kind is ActionKind.REPLACE and action.sessions_to_delete]
    left = [
        action.name for action in replaced if not action.create_later and _is_missing(records.get(action.key), last)
    ]
    if left:
        yield f"deleted and not created again yet: {first_names(left, MOST_NAMED)}; the next apply creates them"


def _is_missing(record: ReplicaRecord | None, last: PassResult) -> bool:
    return record is not None and (record.phase is Phase.DUE or record.id in _sent_deletes(last))


def _exit_codes(request: ApplyRequest, progress: Progress, last: PassResult) -> Iterable[ExitCode]:
    desired, stopped = _desired_actions(last), last.stopped
    if last.declined:
        yield ExitCode.ERROR
    if isinstance(stopped, TimeoutReached):
        yield ExitCode.TIMEOUT
    elif isinstance(stopped, SafetyRefusal):
        yield ExitCode.REFUSED
    elif stopped is not None:
        yield ExitCode.PARTIAL
    failures = [one for one in progress.failures.values() if stopped is None or one.error != stopped.message]
    if failures or any(action.kind is ActionKind.CONFLICT for action in desired):
        yield ExitCode.PARTIAL
    records = _records(last)
    counted_here = records.keys() - last.known_failures
    if any(_is_final(action, records[action.key]) for action in desired if action.key in counted_here):
        yield ExitCode.UNFINISHED
    if request.options.wait != "none" and not last.declined:
        yield from _codes_of_wait(request, last, desired)


def _codes_of_wait(request: ApplyRequest, last: PassResult, desired: list[Action]) -> frozenset[ExitCode]:
    """The exit codes of what a wait leaves; after `--wait complete` every replica in scope has to be done."""
    codes = frozenset(map(code_of, desired))
    ended = request.options.wait == "complete" and last.stopped is None
    unfinished = {ExitCode.UNFINISHED} if ended and ExitCode.CHANGES in codes else frozenset()
    return (codes | unfinished) - {ExitCode.CHANGES}


def _is_final(action: Action, record: ReplicaRecord) -> bool:
    """Whether a replica has failed and stays so: no retry is due, and none waits for its time or a slot."""
    if action.desired is None or action.desired.spec.kind.interactive:
        return False
    if record.phase not in (Phase.FAILED, Phase.UNKNOWN):
        return False
    if action.kind.creates and record.phase is Phase.FAILED:
        # It was created in this pass and has failed already, so that no plan has judged its retries yet.
        return record.attempt > action.desired.spec.retries
    return action.kind is not ActionKind.WAIT or action.waits_indefinitely


def _failed_logs(request: ApplyRequest, last: PassResult, failed: Sequence[ReplicaRecord]) -> tuple[FailedLog, ...]:
    """The last lines of the saved logs of the first failed replicas."""
    specs = last.document.specs if last.document else {}
    found = (failed_log(request.context, request.project.name, one, specs.get(one.spec)) for one in failed[:MOST_LOGS])
    return tuple(log for log in found if log is not None)
