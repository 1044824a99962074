"""Carries out single actions, from the records that are written ahead to the recorded outcome."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from skaha_apply.apply.creates import Creates
from skaha_apply.apply.deletes import Deletes
from skaha_apply.apply.job import JobFailed, Shape
from skaha_apply.apply.renewals import renew
from skaha_apply.apply.watcher import DeletionWatcher
from skaha_apply.model.errors import ServerError
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.state import ReplicaRecord
from skaha_apply.planning.attempts import as_requested
from skaha_apply.planning.working_state import resembling_spec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.apply.context import ExecutionContext, Outcomes
    from skaha_apply.apply.job import Job
    from skaha_apply.apply.job_slots import JobSlots
    from skaha_apply.model.plan import Action
    from skaha_apply.model.request import Offer
    from skaha_apply.model.spec import ReplicaKey, SessionSpec


class Jobs:
    """The jobs of one pass: which are reserved and in flight, and how each is carried out."""

    def __init__(self, context: ExecutionContext, outcomes: Outcomes, job_slots: JobSlots) -> None:
        self.watcher = DeletionWatcher(context, self.in_flight)
        self._context = context
        self._job_slots = job_slots
        self._deletes = Deletes(context, outcomes, job_slots, self.watcher)
        self._creates = Creates(context, outcomes, job_slots, self.watcher)
        self._working: dict[ReplicaKey, int] = {}
        self._reserved: list[Job] = []
        self._offer: asyncio.Task[Offer | None] | None = None
        working = context.ledger.working_state
        self._accepted_shapes = {
            as_requested(working.specs[record.spec], record.ram).shape
            for record in working.records.values()
            if record.id is not None and record.spec in working.specs
        }

    def in_flight(self) -> frozenset[ReplicaKey]:
        """The replicas that this pass has reserved or started; no listing decides about them."""
        intents = self._context.ledger.working_state.intents
        reserved = {job.action.key for job in self._reserved if job.not_sent}
        given_up = {key for key, intent in intents.items() if intent.given_up is not None}
        return frozenset((reserved | set(self._working)) - given_up)

    def first_of_shape(self, job: Job) -> Shape | None:
        """The image and resources of a create if none like it was ever accepted; None otherwise."""
        return job.shape if job.creates and job.shape not in self._accepted_shapes else None

    def reserve(self, jobs: Iterable[Job]) -> None:
        """Write ahead the records that must be stored before the requests of these jobs."""
        batch = [job for job in jobs if job.action.kind not in (ActionKind.ADOPT, ActionKind.RENEW)]
        for job in batch:
            job.not_sent, job.listing = True, self._context.lister.latest
            self._deletes.record_pending_deletes(job)
            if job.creates:
                self._creates.record_intent(job)
        revision = self._context.ledger.changed() if batch else 0
        for job in batch:
            job.revision = revision
        self._reserved.extend(batch)

    def is_reserved(self, job: Job) -> bool:
        """Whether the records of a job are written ahead, and name the sessions of the latest listing."""
        return job.not_sent and job.listing is self._context.lister.latest

    def withdraw_unsent(self) -> None:
        """Remove the records that were written ahead and not used."""
        withdrawn = [self._deletes.withdraw(job) + self._creates.withdraw(job) for job in self._reserved]
        if any(withdrawn):
            self._context.ledger.changed()

    async def close(self) -> None:
        """Cancel the request for the offer, if it is still open."""
        if self._offer is not None:
            self._offer.cancel()
            await asyncio.gather(self._offer, return_exceptions=True)

    async def carry_out(self, job: Job) -> str | None:
        """Carry out one action; returns the ID that was created, adopted, renewed or deleted.

        Raises:
            JobFailed: it was not carried out; the other jobs continue.
            NothingToDo: it is no longer needed.
            RunStopped: the whole run stops.
        """
        action = job.action
        self._working[action.key] = self._working.get(action.key, 0) + 1
        try:
            if action.kind is ActionKind.ADOPT:
                return self._adopt(action)
            if action.kind is ActionKind.RENEW:
                return await renew(job, self._context, self._job_slots)
            return await self._delete_and_create(job)
        finally:
            self._working[action.key] -= 1
            if not self._working[action.key]:
                del self._working[action.key]

    async def _delete_and_create(self, job: Job) -> str | None:
        await self._context.ledger.stored(job.revision)
        if job.action.kind is ActionKind.REPLACE and job.action.sessions_to_delete:
            await self._preflight(job)
        for session in job.action.sessions_to_delete:
            await self._deletes.carry_out(job, session)
        if job.creates:
            return await self._creates.carry_out(job)
        job.not_sent = False
        return job.action.id

    def _adopt(self, action: Action) -> str | None:
        """Record an unmanaged session as owned. A listing has recorded the session of a create of the tool already."""
        found, desired = action.adopted, action.desired
        if found is None or desired is None:
            return action.id
        ledger, now = self._context.ledger, self._context.server.now()
        requested = resembling_spec(found, desired.spec) or desired.spec
        ledger.working_state.records[desired.key] = ReplicaRecord(
            session=desired.spec.key,
            replica=desired.replica,
            name=desired.name,
            spec=ledger.working_state.record_spec(desired.spec),
            work=desired.work,
            run=desired.run,
            run_number=desired.run_number,
            ram=requested.ram if desired.spec.retry_ram else None,
            phase=found.phase,
            id=found.id,
            accepted=found.started or now,
            seen=now,
            started=found.started,
            ended=now if found.phase.ended else None,
            note="adopted",
        )
        ledger.changed()
        return found.id

    async def _preflight(self, job: Job) -> None:
        """Check the replacement of a running session before the session is deleted; raises `JobFailed`."""
        if self._offer is None:
            self._offer = asyncio.create_task(self._request_offer())
        offer = await asyncio.shield(self._offer)
        spec = job.desired.spec
        if offer is not None:
            private = self._context.server.private(spec.image)
            if reason := reason_to_refuse(spec, offer, private=private):
                raise JobFailed(f"not replaced, because the server would refuse the new session: {reason}")

    async def _request_offer(self) -> Offer | None:
        try:
            return await self._context.server.offer()
        except ServerError:
            return None


def reason_to_refuse(spec: SessionSpec, offer: Offer, *, private: bool) -> str | None:
    """Why the server would refuse this spec, by /context, /image and /repository; None if it would not.

    Parts of the offer in an unknown form are not used. The integer part of cores and ram must be among the options
    [PostAction]. `private` means that a registry credential for the image is sent, so that the image need not be in the
    public list.
    """
    if offer.registries is not None and not spec.image.startswith(tuple(offer.registries)):
        return f"image {spec.image} must come from one of {', '.join(offer.registries)}"
    if offer.images is not None and not private and spec.image not in offer.images:
        why = "a new image takes up to 30 min to appear there; a private image needs a registry login"
        return f"image {spec.image} is not in the server's list ({why})"
    for name, value, options in (
        ("cores", spec.cores, offer.cores),
        ("ram", spec.ram, offer.ram),
        ("gpus", spec.gpus, offer.gpus),
    ):
        if value is not None and options is not None and int(value) not in options:
            offered = ", ".join(f"{option:g}" for option in sorted(options))
            return f"{name}: {value:g} is not offered by the server ({offered})"
    return None
