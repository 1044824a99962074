"""Sends notices: once at the first failure, and once at the end of the work, over all invocations of a project.

Work begins when a headless session is active, and ends when nothing is active and nothing can start. The state records
what was sent, and notices are sent under its lock: so a schedule of applies, a killed process and a second process send
none twice. A notice is recorded right after it was sent. If the process is killed in between, the next invocation sends
it again with the same ID.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.model.errors import ExitCode
from skaha_apply.model.masking.secrets import masked
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.project import Notice, NoticeEvent
from skaha_apply.model.report import Note
from skaha_apply.model.state import NoticeRecord
from skaha_apply.planning.attempts import cause_of_failure
from skaha_apply.planning.failure_cause import shared_causes
from skaha_apply.planning.records import is_open
from skaha_apply.render.printable import one_line
from skaha_apply.render.run.failures import cause_line
from skaha_apply.workflow.exit_codes import code_of
from skaha_apply.workflow.progress import plan_summaries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.report import SharedCause
    from skaha_apply.workflow.reconcile.request import ApplyRequest
    from skaha_apply.workflow.reconcile.results import Progress

MOST_INVOCATIONS = 3  # that try to send a notice; later ones do not
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
    if (record is None or record.end is not None) and is_open_work and _has_work(ledger, plan, progress):
        record = NoticeRecord(since=observed)
        _keep(ledger, record)
    if record is None or record.end is not None:
        return
    is_over = not is_open_work and not request.options.plan.limited
    for event in _due(record, plan, is_over=is_over):
        if event not in progress.unsent:
            record = await _send(request, _notice(request, plan, ledger, event, record), ledger, progress, record)


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
    return code_of(action) is ExitCode.CHANGES and not action.waits_indefinitely


def _has_work(ledger: Ledger, plan: Plan, progress: Progress) -> bool:
    """Whether a headless session is active, or was created in this invocation and has ended already."""
    working = ledger.working_state
    active = [record for record in working.records.group(is_open).values() if record.phase.active]
    started = [working.records.get(action.key) for action in plan.decided_now if action.kind.creates]
    created = [record for record in started if record is not None and record.id in progress.created]
    return any(not working.specs[record.spec].kind.interactive for record in (*active, *created))


async def _send(
    request: ApplyRequest, notice: Notice, ledger: Ledger, progress: Progress, record: NoticeRecord
) -> NoticeRecord:
    """Send a notice that the manifest asks for, and record it; returns the record."""
    from skaha_apply.notify.send import send_notice  # noqa: PLC0415 - few passes send one

    targets = request.project.notify
    problems: tuple[str, ...] = ()
    if targets is not None and notice.event in targets.on:
        problems = await send_notice(targets, notice, request.project.secrets, os.environ)
    notes = [f"the notice of the {_name(notice.event)} was not sent: {problem}" for problem in problems]
    update: dict[str, float | int] = {"failed": record.failed + 1} if problems else {notice.event.value: _now(request)}
    if problems:
        progress.unsent.add(notice.event)
        if record.failed + 1 >= MOST_INVOCATIONS:
            notes.append(f"no later invocation sends this notice, because {MOST_INVOCATIONS} have failed")
            update = {"failed": 0, notice.event.value: _now(request)}
    for note in notes:
        progress.add_note(note)
        request.observe(Note(note))
    changed = record.model_copy(update=update)
    await asyncio.shield(ledger.stored(_keep(ledger, changed)))
    return changed


def _now(request: ApplyRequest) -> float:
    return request.context.client.now()


def _name(event: NoticeEvent) -> str:
    return "first failure" if event is NoticeEvent.FAILURE else "end"


def _notice(request: ApplyRequest, plan: Plan, ledger: Ledger, event: NoticeEvent, record: NoticeRecord) -> Notice:
    working, secrets = ledger.working_state, request.project.secrets
    counts: Counter[str] = Counter()
    for entry in plan_summaries(plan, working.records, _now(request)):
        counts.update(entry.counts)
    records = [working.records.get(action.key) for action in plan.decided_now if action.kind is ActionKind.FAILED]
    failed = [(one.name, masked(cause_of_failure(one), secrets)) for one in records if one is not None]
    causes = shared_causes(failed)
    is_sandbox = request.context.location.setting.sandbox  # nobody should take a rehearsal for real work
    name = f"{request.project.name} (sandbox)" if is_sandbox else request.project.name
    return Notice(
        id=f"{working.head.lineage}-{record.since:.0f}-{event.value}",
        event=event,
        project=request.project.name,
        server=working.head.server,
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
