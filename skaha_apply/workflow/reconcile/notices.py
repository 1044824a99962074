"""Which notices are due after a pass: one at the first failure, one at the end of the work, over all invocations.

Work begins when a headless session is active, and ends when nothing is active and nothing can start. The state records
what was sent, and notices are sent under its lock: so a schedule of applies, a killed process and a second process send
none twice. `delivery.py` sends them and records it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.model.masking.secrets import masked
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.project import Notice, NoticeEvent
from skaha_apply.model.state import NoticeRecord
from skaha_apply.planning.attempts import cause_of_failure
from skaha_apply.planning.failure_cause import shared_causes
from skaha_apply.planning.records import is_open
from skaha_apply.planning.summary.entry_summaries import Snapshot
from skaha_apply.planning.summary.exit_codes import will_change
from skaha_apply.planning.summary.pass_summary import PassSummary
from skaha_apply.render.printable import one_line
from skaha_apply.render.run.failures import cause_line
from skaha_apply.workflow.reconcile.delivery import deliver, keep_record, present_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.report import SharedCause
    from skaha_apply.workflow.reconcile.request import ApplyRequest
    from skaha_apply.workflow.reconcile.results import Progress

MOST_CAUSES = 3  # in the text of a notice


async def send_due_notices(
    request: ApplyRequest, plan: Plan, ledger: Ledger, progress: Progress, observed: float
) -> None:
    """Make and deliver the notices that are due after a pass; one that cannot be sent becomes a note of the report.

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
        keep_record(ledger, record)
    if record is None or record.end is not None:
        return
    working, now = ledger.working_state, request.context.client.now()
    summary = PassSummary(plan, Snapshot(working.records, now, working.specs))
    is_over = not is_open_work and not request.options.plan.limited
    for event in _due(record, plan, is_over=is_over):
        if event not in progress.unsent:
            await deliver(request, _notice(request, summary, ledger, event), ledger, progress)


def _has_ended(record: NoticeRecord) -> bool:
    """Whether the work of a record has ended, also if a target does not have the notice of the end yet."""
    return record.end is not None or any(one.event == NoticeEvent.END for one in record.targets)


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


def _notice(request: ApplyRequest, summary: PassSummary, ledger: Ledger, event: NoticeEvent) -> Notice:
    """The notice of an event. Its sender masks it.

    Causes are masked before they are compared: part of a sensitive value could remain in what two causes share.
    """
    head, secrets = ledger.working_state.head, request.project.secrets
    counts = Counter(summary.progress.counts)
    causes = shared_causes((one.name, masked(cause_of_failure(one), secrets)) for one in summary.not_retried)
    is_sandbox = request.context.location.setting.sandbox  # nobody should take a rehearsal for real work
    name = f"{request.project.name} (sandbox)" if is_sandbox else request.project.name
    return Notice(
        id=f"{head.lineage}-{present_record(ledger).since:.3f}-{event.value}",
        event=event,
        project=request.project.name,
        server=head.server,
        text=_text(name, event, counts, causes),
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
