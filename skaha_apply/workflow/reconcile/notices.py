"""Sends notices: once at the first failure, and once at the end of the work, over all invocations of a project.

Work begins when a headless session is active, and ends when nothing is active and nothing can start. The state records
what was sent, and notices are sent under its lock: so a schedule of applies, a killed process and a second process send
none twice. A notice is recorded for each target (command, url) right after the target got it. If the process is killed
in between, the next invocation sends it again with the same ID. A service can be away for hours, and each round of
`run` is an invocation: so time decides when no later one tries, and not the number of them alone.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from skaha_apply.model.masking.secrets import masked
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.project import Notice, NoticeEvent
from skaha_apply.model.report import Note
from skaha_apply.model.state import NoticeRecord, TargetRecord
from skaha_apply.planning.attempts import cause_of_failure
from skaha_apply.planning.failure_cause import shared_causes
from skaha_apply.planning.records import is_open
from skaha_apply.planning.summary.entry_summaries import Snapshot
from skaha_apply.planning.summary.exit_codes import will_change
from skaha_apply.planning.summary.pass_summary import PassSummary
from skaha_apply.render.printable import one_line
from skaha_apply.render.run.failures import cause_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.project import NoticeTargets
    from skaha_apply.model.report import SharedCause
    from skaha_apply.workflow.reconcile.request import ApplyRequest
    from skaha_apply.workflow.reconcile.results import Progress

INVOCATIONS = 3  # that try at once to send a notice to a target; later ones try once in `RETRY_WAIT`
RETRY_WAIT = 300.0  # seconds: a target that does not respond keeps the lock of the state for half a minute
LONGEST = 86_400.0  # seconds from the first try to that after which no later invocation tries
MOST_CAUSES = 3  # in the text of a notice


async def send_due_notices(
    request: ApplyRequest, plan: Plan, ledger: Ledger, progress: Progress, observed: float
) -> None:
    """Send what is due after a pass, and record it; a notice that cannot be sent becomes a note of the report.

    Args:
        request: its project has `notify`.
        plan: the plan of the pass.
        ledger: the state, under its lock.
        progress: what the invocation has done; it gets the notes.
        observed: the time of the listing of the plan, in Unix seconds by the server's clock.
    """
    is_open_work = any(_can_change(action, progress) for action in plan.decided_now)
    record = ledger.working_state.head.notices
    if (record is None or _has_ended(record)) and is_open_work and _has_work(ledger, plan, progress):
        record = NoticeRecord(since=round(observed, 3))  # a state keeps milliseconds; the ID of the notice too
        progress.unsent.clear()
        _keep(ledger, record)
    if record is None or record.end is not None:
        return
    working = ledger.working_state
    summary = PassSummary(plan, Snapshot(working.records, _now(request), working.specs))
    is_over = not is_open_work and not request.options.plan.limited
    for event in _due(record, plan, is_over=is_over):
        if event not in progress.unsent:
            record = await _send(request, _notice(request, summary, ledger, event), ledger, progress)


def _has_ended(record: NoticeRecord) -> bool:
    """Whether the work of a record has ended, also if a target does not have the notice of the end yet."""
    return record.end is not None or any(one.event == NoticeEvent.END for one in record.targets)


def _keep(ledger: Ledger, record: NoticeRecord) -> int:
    working = ledger.working_state
    working.head = working.head.model_copy(update={"notices": record})
    return ledger.changed()


def _due(record: NoticeRecord, plan: Plan, *, is_over: bool) -> Iterator[NoticeEvent]:
    """The events that the record does not have yet. A failure before `record.since` belongs to earlier work."""
    failed = (action.record for action in plan.decided_now if action.kind is ActionKind.FAILED)
    if record.failure is None and any(one and (one.ended or 0.0) >= record.since for one in failed):
        yield NoticeEvent.FAILURE
    if is_over:
        yield NoticeEvent.END


def _can_change(action: Action, progress: Progress) -> bool:
    """Whether an action can still change something without a person; one that failed in this invocation does not."""
    if action.kind.changes and action.attempt_key in progress.tried:
        return False
    return will_change(action) and not action.waits_indefinitely


def _has_work(ledger: Ledger, plan: Plan, progress: Progress) -> bool:
    """Whether a headless session is active, or was created in this invocation and has ended already."""
    working = ledger.working_state
    active = [record for record in working.records.group(is_open).values() if record.phase.active]
    started = [working.records.get(action.key) for action in plan.decided_now if action.kind.creates]
    created = [record for record in started if record is not None and record.id in progress.created]
    return any(not working.specs[record.spec].kind.interactive for record in (*active, *created))


async def _send(request: ApplyRequest, notice: Notice, ledger: Ledger, progress: Progress) -> NoticeRecord:
    """Send a notice to each target that still needs it, and record it; returns the record."""
    targets = _targets(request.project.notify, notice.event)
    jobs = [
        _send_to(request, notice, ledger, one)
        for name, one in targets.items()
        if _is_due(_target_record(_record(ledger), notice.event, name), _now(request))
    ]
    results = await asyncio.gather(*jobs, return_exceptions=True)  # an error of one target leaves the other its time
    for result in results:
        if isinstance(result, BaseException):
            raise result
        for note in result:
            progress.add_note(note)
            request.observe(Note(note))
    record = _record(ledger)
    if all(_is_finished(_target_record(record, notice.event, name)) for name in targets):
        record = record.model_copy(update={notice.event.value: _now(request)})
        revision = _keep(ledger, record)
        if not jobs:  # else what each target got is stored already
            await asyncio.shield(ledger.stored(revision))
    else:
        progress.unsent.add(notice.event)
    return record


async def _send_to(request: ApplyRequest, notice: Notice, ledger: Ledger, target: NoticeTargets) -> list[str]:
    """Send a notice to one target, and record it at once; returns the notes of the report."""
    from skaha_apply.notify.send import send_notice  # noqa: PLC0415 - few passes send one

    name = "command" if target.command else "url"
    problems = await send_notice(target, notice, request.project.secrets, os.environ)
    notes = [f"the notice of the {_name(notice.event)} was not sent: {problem}" for problem in problems]
    record = _record(ledger)
    before = _target_record(record, notice.event, name)
    now = _after_failure(before, _now(request)) if problems else before.model_copy(update={"sent": _now(request)})
    if problems and _is_finished(now):
        notes.append(f"no later invocation sends this notice to notify.{name}: for a day, {now.failed} have failed")
    others = [one for one in record.targets if (one.event, one.target) != (now.event, now.target)]
    revision = _keep(ledger, record.model_copy(update={"targets": (*others, now), "failed": 0}))
    await asyncio.shield(ledger.stored(revision))
    return notes


def _targets(targets: NoticeTargets | None, event: NoticeEvent) -> dict[str, NoticeTargets]:
    """The targets of an event by name, each on its own: one must not get a notice again because another fails."""
    if targets is None or event not in targets.on:
        return {}
    each = {"command": replace(targets, url=""), "url": replace(targets, command=())}
    return {name: one for name, one in each.items() if one.command or one.url}


def _record(ledger: Ledger) -> NoticeRecord:
    """The record of the present work, which `send_due_notices` has begun."""
    return cast("NoticeRecord", ledger.working_state.head.notices)


def _target_record(record: NoticeRecord, event: NoticeEvent, name: str) -> TargetRecord:
    known = (one for one in record.targets if (one.event, one.target) == (event.value, name))
    return next(known, TargetRecord(event=event.value, target=name))


def _after_failure(one: TargetRecord, at: float) -> TargetRecord:
    first = at if one.first is None else one.first
    return one.model_copy(update={"failed": one.failed + 1, "first": first, "last": at})


def _is_finished(one: TargetRecord) -> bool:
    """Whether a target got the notice, or invocations of a day could not send it."""
    if one.sent is not None or one.first is None or one.last is None:
        return one.sent is not None
    return one.failed >= INVOCATIONS and one.last - one.first >= LONGEST


def _is_due(one: TargetRecord, now: float) -> bool:
    """Whether an invocation tries to send the notice to a target."""
    if _is_finished(one):
        return False
    return one.failed < INVOCATIONS or one.last is None or not 0 <= now - one.last < RETRY_WAIT


def _now(request: ApplyRequest) -> float:
    return request.context.client.now()


def _name(event: NoticeEvent) -> str:
    return "first failure" if event is NoticeEvent.FAILURE else "end"


def _notice(request: ApplyRequest, summary: PassSummary, ledger: Ledger, event: NoticeEvent) -> Notice:
    head, secrets = ledger.working_state.head, request.project.secrets
    counts = Counter(summary.progress.counts)
    causes = shared_causes((one.name, masked(cause_of_failure(one), secrets)) for one in summary.not_retried)
    is_sandbox = request.context.location.setting.sandbox  # nobody should take a rehearsal for real work
    name = f"{request.project.name} (sandbox)" if is_sandbox else request.project.name
    return Notice(
        id=f"{head.lineage}-{_record(ledger).since:.3f}-{event.value}",
        event=event,
        project=request.project.name,
        server=head.server,
        text=masked(_text(name, event, counts, causes), secrets),
        counts=dict(counts),
        causes=causes,
    )


def _text(name: str, event: NoticeEvent, counts: Counter[str], causes: tuple[SharedCause, ...]) -> str:
    """One line for people: what happened, the counts, and the first causes."""
    what = "a replica failed" if event is NoticeEvent.FAILURE else "the work has ended"
    others = [f"{count} {word}" for word, count in sorted(counts.items()) if word != "done" and count]
    shares = ", ".join([f"{counts['done']} of {counts.total()} done", *others])
    shown = [one_line(cause_line(one)) for one in causes[:MOST_CAUSES]]
    more = [f"and {len(causes) - MOST_CAUSES} more causes"] if len(causes) > MOST_CAUSES else []
    return "; ".join([f"{name}: {what}: {shares}", *shown, *more])
