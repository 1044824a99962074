"""DELETE, and look whether it is gone: the server says 200 to every DELETE [DeleteAction]."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.apply.job import TRIES, JobFailed, NothingToDo
from skaha_apply.model.errors import ServerError
from skaha_apply.model.plan import ActionKind
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

    def __init__(self, tools: ExecutionContext, outcomes: Outcomes, turns: JobThrottle, watch: DeletionWatcher) -> None:
        self._tools = tools
        self._outcomes = outcomes
        self._turns = turns
        self._watch = watch

    def bury(self, job: Job) -> None:
        """Put a tombstone for each victim into the book, before its DELETE."""
        action, book = job.action, self._tools.ledger.book
        for victim in action.victims:
            tomb = PendingDelete(
                id=victim.id,
                session=action.key[0],
                replica=action.replica,
                name=action.record.name if action.record else action.name,
                at=self._tools.server.now(),
                active=victim.active,
                why=victim.why,
                note=action.reason if victim.why == "timeout" else "",
            )
            book.tombstones.setdefault(victim.id, tomb)
            job.tombs.append(tomb)

    def withdraw(self, job: Job) -> None:
        """Take the tombstones of a job back whose DELETE was never sent."""
        book = self._tools.ledger.book
        for tomb in job.tombs if job.unsent else ():
            if (now := book.tombstones.get(tomb.id)) is not None and not now.sent:
                del book.tombstones[tomb.id]

    async def carry_out(self, job: Job, victim: SessionToDelete) -> None:
        """Delete one session and wait until it is gone; where it is replaced, until its pod has stopped too.

        Raises:
            JobFailed: it was refused, or had no effect; the session is taken as it was before.
            Needless: what was to be done again with other resources, or was to be ended, has ended by itself meanwhile.
            Halted: the whole run stops.
        """
        record = job.action.record
        if record is not None and record.id == victim.id and not record.logged:
            await self._tools.keeper.save(record, self._tools.ledger.book.specs.get(record.spec))
        await self._spare_ended(job.action, victim)
        for _ in range(TRIES):
            self._turns.go_on()
            job.unsent = False
            self._mark_sent(victim)
            outcome = await self._tools.server.delete(victim.id)
            if isinstance(outcome, Refused):
                self._keep_alive(victim)
                self._turns.refused(outcome)
            self._outcomes.unsure += isinstance(outcome, Unconfirmed)
            self._turns.leave(job)
            if await self._watch.departed(victim.id, pod=job.creates and victim.active):
                self._departed(job, victim)
                return
            await self._turns.come_back(job)
        self._keep_alive(victim)
        raise JobFailed(f"{victim.id} is still listed after {TRIES} DELETEs")

    async def _spare_ended(self, action: Action, victim: SessionToDelete) -> None:
        """Raise Needless for what has ended by itself since the plan was made, where that makes the deletion needless.

        A session that took too long may have ended in time after all, and other resources are no reason to run again
        what is complete. The failure limit deletes only what is still Pending.
        """
        ends = {Phase.DONE, Phase.FAILED} if victim.why == "timeout" else {Phase.DONE}
        if victim.why not in ("timeout", "limit") and not _only_resources(action):
            return
        try:
            live = await self._tools.server.session(victim.id)
        except ServerError:
            return
        if victim.why == "limit":
            if live is None or live.phase is not Phase.PENDING:
                raise NothingToDo
        elif live is not None and live.phase in ends:
            raise NothingToDo

    def _mark_sent(self, victim: SessionToDelete) -> None:
        ledger = self._tools.ledger
        if tomb := ledger.book.tombstones.get(victim.id):
            sent = tomb.model_copy(update={"sent": True, "at": self._tools.server.now()})
            ledger.book.tombstones[victim.id] = sent
            ledger.changed()

    def _keep_alive(self, victim: SessionToDelete) -> None:
        self._tools.ledger.book.tombstones.pop(victim.id, None)
        self._tools.ledger.changed()

    def _departed(self, job: Job, victim: SessionToDelete) -> None:
        """A deleted session is gone: what follows for its replica; the tombstone of a pod that lingers stays."""
        book = self._tools.ledger.book
        tomb = next((one for one in job.tombs if one.id == victim.id), None)
        if victim.why in ("replace", "take-over", "rerun"):
            book.tombstones.pop(victim.id, None)
        record = book.records.get(job.action.key)
        if tomb is not None and record is not None and record.id == victim.id and record.phase.active:
            book.records[record.key] = deleted(record, tomb, self._tools.server.now())
        self._tools.ledger.changed()
        self._outcomes.deleted.append(victim.id)


def _only_resources(action: Action) -> bool:
    """Whether a batch session is replaced for other resources alone."""
    record, desired = action.record, action.desired
    if action.kind is not ActionKind.REPLACE or record is None or desired is None:
        return False
    return record.work == desired.work and not desired.spec.kind.interactive
