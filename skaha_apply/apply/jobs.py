"""Carries out single actions, from what is written ahead to the recorded answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from skaha_apply.apply.creates import Creates
from skaha_apply.apply.deletes import Deletes
from skaha_apply.apply.job import JobFailed, Shape, shape_of
from skaha_apply.apply.renewals import renew
from skaha_apply.apply.watcher import DeletionWatcher
from skaha_apply.model.errors import ServerError
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.state import ReplicaRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.apply.context import ExecutionContext, Outcomes
    from skaha_apply.apply.job import Job
    from skaha_apply.apply.throttle import JobThrottle
    from skaha_apply.model.plan import Action
    from skaha_apply.model.request import Offer
    from skaha_apply.model.spec import ReplicaKey, SessionSpec


class Jobs:
    """The jobs of one pass: what is reserved and in flight, and how each is carried out."""

    def __init__(self, context: ExecutionContext, outcomes: Outcomes, throttle: JobThrottle) -> None:
        self.watcher = DeletionWatcher(context.lister, context.ledger, context.settle, self.in_flight, context.observe)
        self._context = context
        self._throttle = throttle
        self._deletes = Deletes(context, outcomes, throttle, self.watcher)
        self._creates = Creates(context, outcomes, throttle, self.watcher)
        self._working: dict[ReplicaKey, int] = {}
        self._reserved: list[Job] = []
        self._offer: asyncio.Task[Offer | None] | None = None
        book = context.ledger.book
        self._accepted_shapes = {
            shape_of(book.specs[record.spec])
            for record in book.records.values()
            if record.id is not None and record.spec in book.specs
        }

    def in_flight(self) -> frozenset[ReplicaKey]:
        """The replicas that this pass has reserved or begun, and no list may decide about."""
        intents = self._context.ledger.book.intents
        reserved = {job.action.key for job in self._reserved if job.not_sent}
        given_up = {key for key, intent in intents.items() if intent.given_up is not None}
        return frozenset((reserved | set(self._working)) - given_up)

    def first_of_shape(self, job: Job) -> Shape | None:
        """The image and resources of a create, when none like it was ever accepted; None otherwise."""
        return job.shape if job.creates and job.shape not in self._accepted_shapes else None

    def reserve(self, jobs: Iterable[Job]) -> None:
        """Write ahead what has to be durable before the requests of these jobs."""
        batch = [job for job in jobs if job.action.kind not in (ActionKind.ADOPT, ActionKind.RENEW)]
        for job in batch:
            job.not_sent = True
            self._deletes.record_pending_deletes(job)
            if job.creates:
                self._creates.record_intent(job)
        revision = self._context.ledger.changed() if batch else 0
        for job in batch:
            job.revision = revision
        self._reserved.extend(batch)

    def withdraw_unsent(self) -> None:
        """Take back what was written ahead and never used."""
        for job in self._reserved:
            self._deletes.withdraw(job)
            self._creates.withdraw(job)
        self._context.ledger.changed()

    async def close(self) -> None:
        """End what was begun on behalf of all jobs."""
        if self._offer is not None:
            self._offer.cancel()
            await asyncio.gather(self._offer, return_exceptions=True)

    async def carry_out(self, job: Job) -> str | None:
        """Do one action; gives the id that was created, adopted, renewed or deleted.

        Raises:
            JobFailed: it was not carried out, the others go on.
            Needless: there is nothing to do any more.
            Halted: the whole run stops.
        """
        action = job.action
        self._working[action.key] = self._working.get(action.key, 0) + 1
        try:
            if action.kind is ActionKind.ADOPT:
                return self._adopt(action)
            if action.kind is ActionKind.RENEW:
                return await renew(job, self._context, self._throttle)
            return await self._delete_and_create(job)
        finally:
            self._working[action.key] -= 1
            if not self._working[action.key]:
                del self._working[action.key]

    async def _delete_and_create(self, job: Job) -> str | None:
        await self._context.ledger.stored(job.revision)
        if job.action.kind is ActionKind.REPLACE and job.action.victims:
            await self._preflight(job)
        for session in job.action.victims:
            await self._deletes.carry_out(job, session)
        if job.creates:
            return await self._creates.carry_out(job)
        job.not_sent = False
        return job.action.id

    def _adopt(self, action: Action) -> str | None:
        """Record a stranger's session as ours; what our own create made was recorded when the list showed it."""
        found, desired = action.adopted, action.desired
        if found is None or desired is None:
            return action.id
        ledger, now = self._context.ledger, self._context.server.now()
        ledger.book.records[desired.key] = ReplicaRecord(
            session=desired.spec.key,
            replica=desired.replica,
            name=desired.name,
            spec=ledger.book.record_spec(desired.spec),
            work=desired.work,
            run=desired.run,
            run_number=desired.run_number,
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
        """Check what replaces a running session before that is deleted; raises JobFailed."""
        if self._offer is None:
            self._offer = asyncio.create_task(self._ask_offer())
        offer = await asyncio.shield(self._offer)
        spec = job.desired.spec
        if offer is not None:
            private = self._context.server.private(spec.image)
            if reason := reason_to_refuse(spec, offer, private=private):
                raise JobFailed(f"left as it is, since the server would refuse the new one: {reason}")

    async def _ask_offer(self) -> Offer | None:
        try:
            return await self._context.server.offer()
        except ServerError:
            return None


def reason_to_refuse(spec: SessionSpec, offer: Offer, *, private: bool) -> str | None:
    """Why the server would refuse this spec, as far as /context, /image and /repository tell; None when it would not.

    Parts that the server does not tell in a known form are not judged. Of cores and ram the integer part must be among
    the options [PostAction]; `private` says that a registry credential for the image will be sent, so that it need not
    be in the public list.
    """
    if offer.registries is not None and not spec.image.startswith(tuple(offer.registries)):
        return f"image {spec.image} must come from one of {', '.join(offer.registries)}"
    if offer.images is not None and not private and spec.image not in offer.images:
        why = "a new one takes up to 30 min to appear there, a private one needs a registry login"
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
