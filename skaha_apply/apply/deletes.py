"""Sends a DELETE and lists until the session has disappeared: the server returns 200 to every DELETE [DeleteAction]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.apply.job import TRIES, JobFailed, NothingToDo
from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.errors import ServerError
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.reasons import DeleteReason
from skaha_apply.model.request import Refused, Unconfirmed
from skaha_apply.model.session import Phase
from skaha_apply.model.state import PendingDelete
from skaha_apply.planning.tracking.deletions import after_delete

if TYPE_CHECKING:
    from skaha_apply.apply.context import ExecutionContext, Outcomes
    from skaha_apply.apply.job import Job
    from skaha_apply.apply.job_slots import JobSlots
    from skaha_apply.apply.watcher import DeletionWatcher
    from skaha_apply.model.plan import Action, SessionToDelete


class Deletes:
    """Deletes the sessions that jobs name, each after its pending delete is stored."""

    def __init__(
        self, context: ExecutionContext, outcomes: Outcomes, job_slots: JobSlots, watcher: DeletionWatcher
    ) -> None:
        self._context = context
        self._outcomes = outcomes
        self._job_slots = job_slots
        self._watcher = watcher

    def record_pending_deletes(self, job: Job) -> None:
        """Record a pending delete for each session of a job, before its DELETE is sent."""
        action, working = job.action, self._context.ledger.working_state
        for session in action.sessions_to_delete:
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
            working.pending_deletes.setdefault(session.id, pending)
            job.pending_deletes.append(pending)

    def withdraw(self, job: Job) -> int:
        """Remove the pending deletes of a job whose DELETE was not sent; returns how many there were."""
        recorded = self._context.ledger.working_state.pending_deletes
        ids = {pending.id for pending in job.pending_deletes} if job.not_sent else set()
        unsent = [one for one in ids if one in recorded and not recorded[one].sent]
        for one in unsent:
            del recorded[one]
        return len(unsent)

    async def carry_out(self, job: Job, session: SessionToDelete) -> None:
        """Delete one session and wait until it has disappeared; if it is replaced, until its pod has stopped too.

        Raises:
            JobFailed: the server refused it, or it had no effect; the record is as before.
            NothingToDo: the session ended by itself, and the delete is no longer needed.
            RunStopped: the whole run stops.
        """
        record = job.action.record
        if record is not None and record.id == session.id and not record.logged:
            await self._context.log_saver.save(record, self._context.ledger.working_state.specs.get(record.spec))
        await self._check_still_needed(job.action, session)
        for _ in range(TRIES):
            self._job_slots.check_running()
            job.not_sent = False
            self._mark_sent(session)
            outcome = await self._context.server.delete(session.id)
            if isinstance(outcome, Refused):
                self._forget_pending_delete(session)
                self._job_slots.raise_refusal(outcome)
            self._outcomes.unconfirmed += isinstance(outcome, Unconfirmed)
            self._job_slots.release_slot(job)
            if await self._watcher.wait_until_deleted(session.id, pod=job.creates and session.active):
                self._record_deleted(job, session)
                return
            await self._job_slots.reacquire_slot(job)
        self._forget_pending_delete(session)
        raise JobFailed(f"session {session.id} is still listed after {TRIES} delete requests")

    async def _check_still_needed(self, action: Action, session: SessionToDelete) -> None:
        """Raise `NothingToDo` if the session ended since the plan was made and the delete is no longer needed.

        A session with a timeout might have ended in time. Finished work does not run again because of other resources.
        The failure limit deletes only sessions that are still Pending.
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
        if pending := ledger.working_state.pending_deletes.get(session.id):
            sent = replace(pending, sent=True, at=self._context.server.now())
            ledger.working_state.pending_deletes[session.id] = sent
            ledger.changed()

    def _forget_pending_delete(self, session: SessionToDelete) -> None:
        self._context.ledger.working_state.pending_deletes.pop(session.id, None)
        self._context.ledger.changed()

    def _record_deleted(self, job: Job, session: SessionToDelete) -> None:
        """Record that a session has disappeared; the pending delete stays while its pod is still stopping."""
        working = self._context.ledger.working_state
        pending = next((one for one in job.pending_deletes if one.id == session.id), None)
        if session.why.makes_room:
            working.pending_deletes.pop(session.id, None)
        record = working.records.get(job.action.key)
        if pending is not None and record is not None and record.id == session.id and record.phase.active:
            working.records[record.key] = after_delete(record, pending, self._context.server.now())
        self._context.ledger.changed()
        self._outcomes.deleted.append(session.id)


def _only_resources(action: Action) -> bool:
    """Whether a batch session is replaced only because of its resources."""
    record, desired = action.record, action.desired
    if action.kind is not ActionKind.REPLACE or record is None or desired is None:
        return False
    return record.work == desired.work and not desired.spec.kind.interactive
