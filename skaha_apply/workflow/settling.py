"""What an approved plan teaches the state although nothing is done on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.plan import ActionKind
from skaha_apply.model.session import Phase

if TYPE_CHECKING:
    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.planning.book import Book


def settle_records(plan: Plan, ledger: Ledger) -> None:
    """Record what specs say beyond their digests (protect, their file), and that what vanished is taken as complete."""
    book = ledger.book
    for action in plan.actions:
        if action.kind.changes and action.kind is not ActionKind.RENEW:
            continue
        now = book.records.get(action.key)
        if now is None or action.record is None:
            continue
        after = _complete(_current(now, action, book), action)
        if after is not now:
            book.records[now.key] = after
            ledger.changed()


def _current(record: ReplicaRecord, action: Action, book: Book) -> ReplicaRecord:
    """The record with the spec of now, where that says the same of the work; specs are compared, for it is cheap."""
    desired = action.desired
    if desired is None or (record.work, record.run) != (desired.work, desired.run):
        return record
    known = book.specs.get(record.spec)
    if known is desired.spec or known == desired.spec:
        return record
    return record.model_copy(update={"spec": book.record_spec(desired.spec)})


def _complete(record: ReplicaRecord, action: Action) -> ReplicaRecord:
    """A session that disappeared is complete if its spec says so (`vanished: complete`)."""
    if action.kind is not ActionKind.DONE or record.phase not in (Phase.GONE, Phase.UNKNOWN):
        return record
    ended = record.ended or record.seen or record.accepted
    return record.model_copy(update={"phase": Phase.DONE, "ended": ended, "note": action.reason, "logged": True})
