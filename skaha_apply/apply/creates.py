"""Sends each create at most once for its intent; a listing decides an unconfirmed create."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from skaha_apply.apply.job import TRIES, JobFailed
from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.errors import StateError
from skaha_apply.model.masking.secrets import masked
from skaha_apply.model.request import Accepted, Refused
from skaha_apply.model.state import Intent
from skaha_apply.planning.attempts import ram_to_record
from skaha_apply.planning.replicas import RunTags, create_request
from skaha_apply.planning.tracking.unconfirmed_creates import record_of_create

if TYPE_CHECKING:
    from skaha_apply.apply.context import ExecutionContext, Outcomes
    from skaha_apply.apply.job import Job
    from skaha_apply.apply.job_slots import JobSlots
    from skaha_apply.apply.watcher import DeletionWatcher
    from skaha_apply.model.request import CreateRequest, Outcome
    from skaha_apply.model.spec import ReplicaKey


class Creates:
    """Creates the sessions of jobs, each after its intent is stored."""

    def __init__(
        self, context: ExecutionContext, outcomes: Outcomes, job_slots: JobSlots, watcher: DeletionWatcher
    ) -> None:
        self._context = context
        self._outcomes = outcomes
        self._job_slots = job_slots
        self._watcher = watcher
        self._tags = RunTags()

    def record_intent(self, job: Job) -> None:
        """Record the intent of a create: replica, digests, spec, time, and the IDs that are listed under its name."""
        working, desired = self._context.ledger.working_state, job.desired
        working.intents[job.action.key] = Intent(
            session=desired.spec.key,
            replica=desired.replica,
            name=desired.name,
            spec=working.record_spec(desired.spec),
            work=desired.work,
            run=desired.run,
            run_number=desired.run_number,
            attempt=job.action.attempt,
            ram=ram_to_record(job.desired.spec, job.action.attempt),
            at=self._context.server.now(),
            listed=self._listed_ids(desired.name),
        )

    def withdraw(self, job: Job) -> int:
        """Remove the intent of a job whose create was not sent; returns how many there were."""
        unsent = job.creates and not job.posted
        return int(unsent and self._context.ledger.working_state.intents.pop(job.action.key, None) is not None)

    async def carry_out(self, job: Job) -> str | None:
        """Create one session; returns its ID, also if the response was lost and a listing showed the session.

        Raises:
            JobFailed: the server refused it, or `TRIES` requests had no clear response.
            StateError: the lock of the state is lost.
            RunStopped: the whole run stops.
        """
        key, ledger = job.action.key, self._context.ledger
        context = self._context
        request = create_request(job.desired, context.project, job.action.attempt, context.secrets, self._tags)
        last = ""
        for attempt in range(TRIES):
            self._job_slots.check_running()
            if attempt:
                self.record_intent(job)
                await ledger.stored(ledger.changed())
                self._job_slots.check_running()
            job.not_sent, job.posted = False, True
            try:
                outcome = await self._post(key, request)
            except StateError:  # the lock could not be confirmed, so the request was not sent
                job.posted = False
                raise
            if isinstance(outcome, Accepted):
                return self._record_accepted(key, outcome.id)
            if isinstance(outcome, Refused):
                ledger.working_state.intents.pop(key, None)
                ledger.changed()
                self._job_slots.raise_refusal(outcome)
            last = outcome.text
            self._outcomes.unconfirmed += 1
            self._record_timeout(key)
            self._job_slots.release_slot(job)
            if await self._watcher.wait_until_decided(key):
                return self._adopt(key)
            await self._job_slots.reacquire_slot(job)
        raise JobFailed(
            f"{TRIES} create requests had no clear response, and no session of that name appeared; "
            f"the last problem: {last}"
        )

    def _listed_ids(self, name: str) -> tuple[str, ...]:
        """The IDs of sessions that had this name before the request; a session listed without a name might have it."""
        listing = self._context.lister.latest
        return tuple(one.id for shown in (name, "") for one in listing.by_name.get(shown, ())) if listing else ()

    async def _post(self, key: ReplicaKey, request: CreateRequest) -> Outcome:
        """Send a create. If it is canceled on the way, its intent stays open, with the time of the cancellation."""
        try:
            return self._masked(await self._context.server.create(request))
        except asyncio.CancelledError:
            self._record_timeout(key)
            raise

    def _masked(self, outcome: Outcome) -> Outcome:
        """The outcome without the sensitive values of the request, because some servers repeat them."""
        if isinstance(outcome, Accepted):
            return outcome
        return replace(outcome, text=masked(outcome.text, self._context.secrets))

    def _record_timeout(self, key: ReplicaKey) -> None:
        ledger = self._context.ledger
        if intent := ledger.working_state.intents.get(key):
            ledger.working_state.intents[key] = replace(intent, given_up=self._context.server.now())
            ledger.changed()

    def _record_accepted(self, key: ReplicaKey, session_id: str) -> str:
        ledger = self._context.ledger
        intent = ledger.working_state.intents.pop(key)
        ledger.working_state.records[key] = record_of_create(
            ledger.working_state, intent, session_id, self._context.server.now()
        )
        ledger.changed()
        self._outcomes.accepted.append(session_id)
        return session_id

    def _adopt(self, key: ReplicaKey) -> str | None:
        record = self._context.ledger.working_state.records[key]
        if record.id:
            self._outcomes.accepted.append(record.id)
        return record.id
