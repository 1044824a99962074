"""DELETE, and look whether it is gone: the server says 200 to every DELETE [DeleteAction]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.apply.job import TRIES, JobFailed, NothingToDo
from skaha_apply.model.errors import ServerError
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.reasons import DeleteReason
from skaha_apply.model.request import Refused, Unconfirmed
from skaha_apply.model.session import Phase
from skaha_apply.model.state import PendingDelete
from skaha_apply.planning.tracking.deletions import deleted

if TYPE_CHECKING:
    from skaha_apply.apply.context import ExecutionContext, Outcomes
    from skaha_apply.apply.job import Job
    from skaha_apply.apply.throttle import JobThrottle
    from skaha_apply.apply.watcher import DeletionWatcher
    from skaha_apply.model.plan import Action, SessionToDelete


class Deletes:
    """Deletes what jobs name as victims, each behind a durable tombstone."""

    def __init__(
        self, context: ExecutionContext, outcomes: Outcomes, throttle: JobThrottle, watcher: DeletionWatcher
    ) -> None:
        self._context = context
        self._outcomes = outcomes
        self._throttle = throttle
        self._watcher = watcher

    def record_pending_deletes(self, job: Job) -> None:
        """Put a tombstone for each victim into the book, before its DELETE."""
        action, book = job.action, self._context.ledger.book
        for session in action.victims:
            pending = PendingDelete(
                id=session.id,
                session=action.key[0],
                replica=action.replica,
                name=action.record.name if action.record else action.name,
                at=self._context.server.now(),
                active=session.active,
                why=session.why,
                note=session.note,
            )
            book.tombstones.setdefault(session.id, pending)
            job.pending_deletes.append(pending)

    def withdraw(self, job: Job) -> None:
        """Take the tombstones of a job back whose DELETE was never sent."""
        book = self._context.ledger.book
        for pending in job.pending_deletes if job.not_sent else ():
            if (now := book.tombstones.get(pending.id)) is not None and not now.sent:
                del book.tombstones[pending.id]

    async def carry_out(self, job: Job, session: SessionToDelete) -> None:
        """Delete one session and wait until it is gone; where it is replaced, until its pod has stopped too.

        Raises:
            JobFailed: it was refused, or had no effect; the session is taken as it was before.
            Needless: what was to be done again with other resources, or was to be ended, has ended by itself meanwhile.
            Halted: the whole run stops.
        """
        record = job.action.record
        if record is not None and record.id == session.id and not record.logged:
            await self._context.log_saver.save(record, self._context.ledger.book.specs.get(record.spec))
        await self._check_still_needed(job.action, session)
        for _ in range(TRIES):
            self._throttle.check_running()
            job.not_sent = False
            self._mark_sent(session)
            outcome = await self._context.server.delete(session.id)
            if isinstance(outcome, Refused):
                self._forget_pending_delete(session)
                self._throttle.raise_refusal(outcome)
            self._outcomes.unconfirmed += isinstance(outcome, Unconfirmed)
            self._throttle.release_slot(job)
            if await self._watcher.wait_until_deleted(session.id, pod=job.creates and session.active):
                self._record_deleted(job, session)
                return
            await self._throttle.reacquire_slot(job)
        self._forget_pending_delete(session)
        raise JobFailed(f"{session.id} is still listed after {TRIES} DELETEs")

    async def _check_still_needed(self, action: Action, session: SessionToDelete) -> None:
        """Raise Needless for what has ended by itself since the plan was made, where that makes the deletion needless.

        A session that took too long may have ended in time after all, and other resources are no reason to run again
        what is complete. The failure limit deletes only what is still Pending.
        """
        ends = {Phase.DONE, Phase.FAILED} if session.why is DeleteReason.TIMEOUT else {Phase.DONE}
        if session.why not in (DeleteReason.TIMEOUT, DeleteReason.LIMIT) and not _only_resources(action):
            return
        try:
            live = await self._context.server.session(session.id)
        except ServerError:
            return
        if session.why is DeleteReason.LIMIT:
            if live is None or live.phase is not Phase.PENDING:
                raise NothingToDo
        elif live is not None and live.phase in ends:
            raise NothingToDo

    def _mark_sent(self, session: SessionToDelete) -> None:
        ledger = self._context.ledger
        if pending := ledger.book.tombstones.get(session.id):
            sent = pending.model_copy(update={"sent": True, "at": self._context.server.now()})
            ledger.book.tombstones[session.id] = sent
            ledger.changed()

    def _forget_pending_delete(self, session: SessionToDelete) -> None:
        self._context.ledger.book.tombstones.pop(session.id, None)
        self._context.ledger.changed()

    def _record_deleted(self, job: Job, session: SessionToDelete) -> None:
        """A deleted session is gone: what follows for its replica; the tombstone of a pod that lingers stays."""
        book = self._context.ledger.book
        pending = next((one for one in job.pending_deletes if one.id == session.id), None)
        if session.why.makes_room:
            book.tombstones.pop(session.id, None)
        record = book.records.get(job.action.key)
        if pending is not None and record is not None and record.id == session.id and record.phase.active:
            book.records[record.key] = deleted(record, pending, self._context.server.now())
        self._context.ledger.changed()
        self._outcomes.deleted.append(session.id)


def _only_resources(action: Action) -> bool:
    """Whether a batch session is replaced for other resources alone."""
    record, desired = action.record, action.desired
    if action.kind is not ActionKind.REPLACE or record is None or desired is None:
        return False
    return record.work == desired.work and not desired.spec.kind.interactive
