"""Delivers a notice: sends it to each target that still needs it, and records it for a target right after it was sent.

If the process is killed in between, the next invocation sends the notice again with the same ID. A service can be away
for hours, and each round of `run` is an invocation: so time decides when no later one tries, and not the number of them
alone.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.project import NoticeEvent
from skaha_apply.model.report import Note
from skaha_apply.model.state import NoticeRecord, TargetRecord

if TYPE_CHECKING:
    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.model.project import Notice, NoticeTargets
    from skaha_apply.workflow.reconcile.request import ApplyRequest
    from skaha_apply.workflow.reconcile.results import Progress

INVOCATIONS = 3  # that try at once to send a notice to a target; later ones try once in `RETRY_WAIT`
RETRY_WAIT = 300.0  # seconds: a target that does not respond keeps the lock of the state for half a minute
LONGEST = 86_400.0  # seconds from the first try to that after which no later invocation tries


class _Delivery(NamedTuple):
    """How a delivery to one target ended: whether no later one follows, and notes of the report."""

    is_finished: bool
    notes: list[str]


async def deliver(request: ApplyRequest, notice: Notice, ledger: Ledger, progress: Progress) -> None:
    """Send a notice to each target that still needs it, and record it; a failure becomes a note of the report.

    Args:
        request: its project has `notify`.
        notice: of the present work, which the state has a record of.
        ledger: the state, under its lock.
        progress: what the invocation has done; it gets the notes, and the event if a target still needs the notice.
    """
    targets, at = _targets(request.project.notify, notice.event), request.context.client.now()
    known = {name: _target_record(present_record(ledger), notice.event, name) for name in targets}
    needed = {name: one for name, one in known.items() if not _is_finished(one)}
    due = [targets[name] for name, one in needed.items() if _is_due(one, at)]
    jobs = (_deliver_to(request, notice, ledger, target) for target in due)
    results = await asyncio.gather(*jobs, return_exceptions=True)  # an error of one target leaves the other its time
    is_finished = len(due) == len(needed)
    for result in results:
        if isinstance(result, BaseException):
            raise result
        is_finished &= result.is_finished
        for note in result.notes:
            progress.add_note(note)
            request.observe(Note(note))
    if not is_finished:
        progress.unsent.add(notice.event)
        return
    sent: dict[str, Any] = {notice.event.value: request.context.client.now()}
    record = replace(present_record(ledger), **sent)
    revision = keep_record(ledger, record)
    if not due:  # else what each target got is stored already
        await asyncio.shield(ledger.stored(revision))


async def _deliver_to(request: ApplyRequest, notice: Notice, ledger: Ledger, target: NoticeTargets) -> _Delivery:
    """Send a notice to one target, and record it at once."""
    from skaha_apply.notify.send import send_notice  # noqa: PLC0415 - few passes send one

    name = "command" if target.command else "url"
    problems = await send_notice(target, notice, request.project.secrets, os.environ)
    record, at = present_record(ledger), request.context.client.now()
    before = _target_record(record, notice.event, name)
    now = _after_failure(before, at) if problems else replace(before, sent=at)
    notes = [f"the notice of the {_name(notice.event)} was not sent: {problem}" for problem in problems]
    if problems and _is_finished(now):
        notes.append(f"no later invocation sends this notice to notify.{name}: for a day, {now.failed} have failed")
    others = [one for one in record.targets if (one.event, one.target) != (now.event, now.target)]
    revision = keep_record(ledger, replace(record, targets=(*others, now), failed=0))
    await asyncio.shield(ledger.stored(revision))
    return _Delivery(_is_finished(now), notes)


def keep_record(ledger: Ledger, record: NoticeRecord) -> int:
    """Keep the record of the present work in the state; returns the revision to wait for with `Ledger.stored`."""
    working = ledger.working_state
    working.head = replace(working.head, notices=record)
    return ledger.changed()


def present_record(ledger: Ledger) -> NoticeRecord:
    """The record of the present work, which has begun."""
    return cast("NoticeRecord", ledger.working_state.head.notices)


def _targets(targets: NoticeTargets | None, event: NoticeEvent) -> dict[str, NoticeTargets]:
    """The targets of an event by name, each on its own: one must not get a notice again because another fails."""
    if targets is None or event not in targets.on:
        return {}
    each = {"command": replace(targets, url=""), "url": replace(targets, command=())}
    return {name: one for name, one in each.items() if one.command or one.url}


def _target_record(record: NoticeRecord, event: NoticeEvent, name: str) -> TargetRecord:
    known = (one for one in record.targets if (one.event, one.target) == (event.value, name))
    return next(known, TargetRecord(event=event.value, target=name))


def _after_failure(one: TargetRecord, at: float) -> TargetRecord:
    first = at if one.first is None else one.first
    return replace(one, failed=one.failed + 1, first=first, last=at)


def _is_finished(one: TargetRecord) -> bool:
    """Whether a target got the notice, or invocations of a day could not send it."""
    if one.sent is not None or one.first is None or one.last is None:
        return one.sent is not None
    return one.failed >= INVOCATIONS and one.last - one.first >= LONGEST


def _is_due(one: TargetRecord, now: float) -> bool:
    """Whether an invocation tries to send the notice to a target that still needs it."""
    return one.failed < INVOCATIONS or one.last is None or not 0 <= now - one.last < RETRY_WAIT


def _name(event: NoticeEvent) -> str:
    return "first failure" if event is NoticeEvent.FAILURE else "end"
