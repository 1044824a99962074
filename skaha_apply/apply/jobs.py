"""One action, from the durable intent to the recorded answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skaha_apply.apply.preflight import objection
from skaha_apply.model.errors import ServerError, SkahaApplyError, TimeoutReached, Unauthorized
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.request import Accepted, CreateRequest, Refused, Unsure
from skaha_apply.model.session import Phase
from skaha_apply.model.state import Intent, ReplicaRecord, Tombstone
from skaha_apply.planning.expand import create_request
from skaha_apply.planning.observe import created

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.apply.execute import Outcomes, Tools
    from skaha_apply.apply.watch import Watch
    from skaha_apply.model.plan import Action, Victim
    from skaha_apply.model.request import Offer, Outcome
    from skaha_apply.model.session import Number
    from skaha_apply.model.spec import DesiredReplica, ReplicaKey, SessionSpec

# No connection, 429, 503: the last answer only when all the patience for a server that is away is used up.
AWAY = frozenset({0, 429, 503})
TRIES = 3  # times that one run posts a create, or sends a DELETE, of one replica

Shape = tuple[str, str, "Number | None", "Number | None", "Number | None"]


class JobFailed(Exception):
    """The action was not carried out; the text is for the report."""


class Halted(Exception):
    """The job was not begun, or not ended, because the whole run stops; the reason is reported once."""


class Needless(Exception):
    """What the action was for has come about by itself; it is not counted."""


@dataclass
class Job:
    """One action on its way.

    `unsent` tells that nothing was sent yet of what was written ahead for it, `posted` that its create was. `placed`
    tells that it holds a place, `pioneer` that it is the first of its image and resources, which goes alone.
    """

    action: Action
    revision: int = 0
    unsent: bool = False
    posted: bool = False
    ended: bool = False
    placed: bool = True
    pioneer: bool = False
    tombs: list[Tombstone] = field(default_factory=list)


class Jobs:
    """Carries out single actions for one pass; `watch` is given once it exists."""

    watch: Watch

    def __init__(self, tools: Tools, outcomes: Outcomes) -> None:
        self._tools = tools
        self._outcomes = outcomes
        self._places = asyncio.Semaphore(2 * tools.concurrency)
        self._working: dict[ReplicaKey, int] = {}
        self._reserved: list[Job] = []
        self._offer: asyncio.Task[Offer | None] | None = None
        book = tools.ledger.book
        self._proven = {
            _shape(book.specs[record.spec])
            for record in book.records.values()
            if record.id is not None and record.spec in book.specs
        }

    def in_flight(self) -> frozenset[ReplicaKey]:
        """The replicas that this pass has reserved or begun, and no list may decide about."""
        intents = self._tools.ledger.book.intents
        reserved = {job.action.key for job in self._reserved if job.unsent}
        given_up = {key for key, intent in intents.items() if intent.given_up is not None}
        return frozenset((reserved | set(self._working)) - given_up)

    async def close(self) -> None:
        """End what was begun on behalf of all jobs."""
        if self._offer is not None:
            self._offer.cancel()
            await asyncio.gather(self._offer, return_exceptions=True)

    async def place(self) -> None:
        """Wait for a place; `leave` gives it back."""
        await self._places.acquire()

    def leave(self, job: Job) -> None:
        """Give the place of a job back, once."""
        if job.placed:
            job.placed = False
            self._places.release()

    def reserve(self, jobs: Iterable[Job]) -> None:
        """Write ahead what has to be durable before the requests of these jobs."""
        batch = [job for job in jobs if job.action.kind is not ActionKind.ADOPT]
        for job in batch:
            job.unsent = True
            self._bury(job)
            if _creates(job.action):
                self._intend(job)
        revision = self._tools.ledger.changed()
        for job in batch:
            job.revision = revision
        self._reserved.extend(batch)

    def withdraw_unsent(self) -> None:
        """Take back what was written ahead and never used."""
        book = self._tools.ledger.book
        for job in self._reserved:
            for tomb in job.tombs if job.unsent else ():
                if (now := book.tombstones.get(tomb.id)) is not None and not now.sent:
                    del book.tombstones[tomb.id]
            if _creates(job.action) and not job.posted:
                book.intents.pop(job.action.key, None)
        self._tools.ledger.changed()

    async def carry_out(self, job: Job) -> str | None:
        """Do one action; gives the id that was created, adopted or deleted.

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
            return await self._delete_and_create(job)
        finally:
            self._working[action.key] -= 1
            if not self._working[action.key]:
                del self._working[action.key]

    async def _delete_and_create(self, job: Job) -> str | None:
        action = job.action
        await self._tools.ledger.stored(job.revision)
        if action.kind is ActionKind.REPLACE and action.victims:
            await self._preflight(action)
        for victim in action.victims:
            await self._delete(job, victim)
        if not _creates(action):
            job.unsent = False
            return action.id
        return await self._create(job)

    async def _spare_finished(self, action: Action) -> None:
        """Other resources are no reason to run again what has been completed since the plan was made."""
        record, desired = action.record, action.desired
        if action.kind is not ActionKind.REPLACE or record is None or record.id is None or desired is None:
            return
        if record.work != desired.work or desired.spec.kind.interactive:
            return
        try:
            live = await self._tools.server.session(record.id)
        except ServerError:
            return
        if live is not None and live.phase is Phase.DONE:
            raise Needless

    # -- adopting

    def _adopt(self, action: Action) -> str | None:
        """Record a stranger's session as ours; what our own create made was recorded when the list showed it."""
        found, desired = action.adopted, action.desired
        if found is None or desired is None:
            return action.id
        ledger, now = self._tools.ledger, self._tools.server.now()
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

    # -- deleting

    def _bury(self, job: Job) -> None:
        action, ledger = job.action, self._tools.ledger
        for victim in action.victims:
            tomb = Tombstone(
                id=victim.id,
                session=action.key[0],
                replica=action.replica,
                name=action.record.name if action.record else action.name,
                at=self._tools.server.now(),
                active=victim.active,
                why=victim.why,
            )
            ledger.book.tombstones.setdefault(victim.id, tomb)
            job.tombs.append(tomb)

    async def _delete(self, job: Job, victim: Victim) -> None:
        """DELETE, and look whether it is gone: the server says 200 to every DELETE [DeleteAction]."""
        ledger, record = self._tools.ledger, job.action.record
        if record is not None and record.id == victim.id and not record.logged:
            await self._tools.keeper.save(record)
        await self._spare_finished(job.action)
        for _ in range(TRIES):
            self._go_on()
            job.unsent = False
            if tomb := ledger.book.tombstones.get(victim.id):
                ledger.book.tombstones[victim.id] = tomb.model_copy(
                    update={"sent": True, "at": self._tools.server.now()},
                )
                ledger.changed()
            outcome = await self._tools.server.delete(victim.id)
            if isinstance(outcome, Refused):
                self._keep_alive(victim)
                self._refused(outcome)
            self._outcomes.unsure += isinstance(outcome, Unsure)
            self.leave(job)
            if await self.watch.departed(victim.id, pod=_creates(job.action) and victim.active):
                self._departed(victim)
                return
            await self._return(job)
        self._keep_alive(victim)
        raise JobFailed(f"{victim.id} is still listed after {TRIES} DELETEs")

    def _keep_alive(self, victim: Victim) -> None:
        """A session that could not be deleted is as it was before."""
        self._tools.ledger.book.tombstones.pop(victim.id, None)
        self._tools.ledger.changed()

    def _departed(self, victim: Victim) -> None:
        """A deleted session is gone: its replica is due again, or held; the tombstone of a pod that lingers stays."""
        book = self._tools.ledger.book
        tomb = book.tombstones.get(victim.id)
        if tomb is not None and victim.why in ("replace", "take-over", "rerun"):
            del book.tombstones[victim.id]
        for record in tuple(book.records.values()):
            if record.id == victim.id and record.phase.active:
                phase = Phase.HELD if victim.why == "hold" else Phase.DUE
                note = "its session was deleted for this"
                book.records[record.key] = record.model_copy(update={"phase": phase, "note": note})
        self._tools.ledger.changed()
        self._outcomes.deleted.append(victim.id)

    # -- creating

    def _intend(self, job: Job) -> None:
        """Put the intent of a create beside the record: replica, digests, spec, time, ids listed under that name."""
        action, book = job.action, self._tools.ledger.book
        desired = _desired(action)
        book.intents[action.key] = Intent(
            session=desired.spec.key,
            replica=desired.replica,
            name=desired.name,
            spec=book.record_spec(desired.spec),
            work=desired.work,
            run=desired.run,
            run_number=desired.run_number,
            attempt=action.attempt,
            at=self._tools.server.now(),
            listed=self._listed(desired.name),
        )

    def _listed(self, name: str) -> tuple[str, ...]:
        """The ids that bear this name before the request; those listed without a name might."""
        listing = self._tools.looker.latest
        return tuple(one.id for shown in (name, "") for one in listing.by_name.get(shown, ())) if listing else ()

    async def _create(self, job: Job) -> str | None:
        action, ledger = job.action, self._tools.ledger
        request = create_request(_desired(action), self._tools.project, action.attempt)
        last = ""
        for attempt in range(TRIES):
            self._go_on()
            if attempt:
                self._intend(job)
                await ledger.stored(ledger.changed())
                self._go_on()
            job.unsent, job.posted = False, True
            outcome = await self._post(action.key, request)
            if isinstance(outcome, Accepted):
                return self._accepted(job, outcome.id)
            if isinstance(outcome, Refused):
                ledger.book.intents.pop(action.key, None)
                ledger.changed()
                self._refused(outcome)
            last = outcome.text
            self._outcomes.unsure += 1
            self._give_up(action.key)
            self.leave(job)
            if await self.watch.decided(action.key):
                return self._adopted(job)
            await self._return(job)
        raise JobFailed(f"no clear answer to {TRIES} creates, and no session of that name appeared; the last: {last}")

    async def _post(self, key: ReplicaKey, request: CreateRequest) -> Outcome:
        """Send a create; cancelled in the middle, it stays an open intent that was given up now."""
        try:
            return await self._tools.server.create(request)
        except asyncio.CancelledError:
            self._give_up(key)
            raise

    def _give_up(self, key: ReplicaKey) -> None:
        ledger = self._tools.ledger
        if intent := ledger.book.intents.get(key):
            ledger.book.intents[key] = intent.model_copy(update={"given_up": self._tools.server.now()})
            ledger.changed()

    def _accepted(self, job: Job, session_id: str) -> str:
        ledger, action = self._tools.ledger, job.action
        intent = ledger.book.intents.pop(action.key)
        ledger.book.records[action.key] = created(ledger.book, intent, session_id, self._tools.server.now())
        ledger.changed()
        self._outcomes.accepted.append(session_id)
        return session_id

    def _adopted(self, job: Job) -> str | None:
        record = self._tools.ledger.book.records[job.action.key]
        if record.id:
            self._outcomes.accepted.append(record.id)
        return record.id

    # -- what the server would take

    def shape(self, job: Job) -> Shape:
        """What the server judges a create by, as it is sent."""
        return _shape(_desired(job.action).spec)

    def unproven(self, job: Job) -> Shape | None:
        """The image and resources of a create, when none like it was ever accepted; None otherwise."""
        if not _creates(job.action):
            return None
        shape = self.shape(job)
        return None if shape in self._proven else shape

    async def _preflight(self, action: Action) -> None:
        """Check what replaces a running session before that is deleted; raises JobFailed."""
        if self._offer is None:
            self._offer = asyncio.create_task(self._ask_offer())
        offer = await asyncio.shield(self._offer)
        spec = _desired(action).spec
        if offer is not None:
            private = self._tools.server.private(spec.image)
            if reason := objection(spec, offer, private=private):
                raise JobFailed(f"left as it is, since the server would refuse the new one: {reason}")

    async def _ask_offer(self) -> Offer | None:
        try:
            return await self._tools.server.offer()
        except ServerError:
            return None

    # -- places and the end of the run

    async def _return(self, job: Job) -> None:
        """Take a place again after waiting without one."""
        await self._places.acquire()
        job.placed = True
        self._go_on()

    def _go_on(self) -> None:
        if self._outcomes.halted:
            raise Halted

    def _refused(self, outcome: Refused) -> None:
        """Raise what a refusal means: for this action, or for the whole run."""
        if outcome.auth:
            self._halt(Unauthorized(outcome.text, hint="Log in again; what is not done stays planned."))
        if outcome.stopped or outcome.status in AWAY:
            self._halt(TimeoutReached(f"the server stayed away: {outcome.text}"))
        raise JobFailed(outcome.text)

    def _halt(self, error: SkahaApplyError) -> None:
        self._outcomes.halted = self._outcomes.halted or error
        raise Halted


def _creates(action: Action) -> bool:
    creating = action.kind in (ActionKind.CREATE, ActionKind.RETRY, ActionKind.REPLACE)
    return creating and not action.held_back


def _desired(action: Action) -> DesiredReplica:
    if action.desired is None:  # pragma: no cover - the planner gives it to everything that creates
        raise AssertionError(action)
    return action.desired


def _shape(spec: SessionSpec) -> Shape:
    """What the server judges a create by, as it is sent."""
    return (spec.image, spec.kind.value, spec.cores, spec.ram, spec.gpus)
