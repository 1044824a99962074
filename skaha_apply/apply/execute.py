"""One pass of the executor: carries out the actions of a plan, each at most once, whatever the outcomes are.

Jobs start in the order of the plan, a bounded number at a time. The intent or pending delete of a request is stored
before the request is sent. Those of the next jobs are stored while the present ones are in flight, so that there is
neither a barrier nor one write per request. The intents of the first creates that wait for a canary are stored with
that of the canary, so that they are sent as soon as it is accepted. A job that waits for a listing or for the end of a
pod frees its slot.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING

from skaha_apply.apply.context import ExecutionContext, Outcomes
from skaha_apply.apply.job import Job, JobFailed, NothingToDo, RunStopped
from skaha_apply.apply.job_slots import JobSlots
from skaha_apply.apply.jobs import Jobs
from skaha_apply.model.errors import Interrupted, SkahaApplyError, StateError
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.report import ActionEnded, Failure, PassStarted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.apply.job import Shape
    from skaha_apply.model.plan import Action

DRAIN = 5.0  # seconds for which requests in flight can finish after an interrupt
MIN_WINDOW = 4  # times the concurrency: the smallest number of intents that are written ahead


async def execute(actions: Iterable[Action], context: ExecutionContext) -> Outcomes:
    """Carry out actions. A failed action is reported in the result, and the others continue.

    On cancellation no new request is sent. Requests in flight have `DRAIN` seconds; those that are open then stay open
    intents, and the cancellation is raised again.

    Raises:
        StateError: an intent cannot be stored; no request is sent without one.
    """
    outcomes = Outcomes()
    todo = [Job(action) for action in actions if action.kind.changes]
    context.observe(PassStarted(context.project, len(todo)))
    if not todo:
        return outcomes
    job_slots = JobSlots(outcomes, 2 * context.concurrency)
    jobs = Jobs(context, outcomes, job_slots)
    watching = asyncio.create_task(jobs.watcher.run())
    run = _Frontier(jobs, context, job_slots, outcomes, todo)
    try:
        await run.run_all()
    except asyncio.CancelledError:
        await run.drain()
        raise
    finally:
        watching.cancel()
        await asyncio.gather(watching, jobs.close(), return_exceptions=True)
        jobs.withdraw_unsent()
    if isinstance(outcomes.stopped, StateError):
        raise outcomes.stopped
    return outcomes


class _Frontier:
    """The jobs of a pass: ready, written ahead, running, or waiting for the canary of their image and resources.

    The canary is the first create of an image with its resources. If the server accepts it, the waiting jobs become
    ready; if not, they fail.
    """

    def __init__(
        self, jobs: Jobs, context: ExecutionContext, job_slots: JobSlots, outcomes: Outcomes, todo: list[Job]
    ) -> None:
        self._jobs = jobs
        self._job_slots = job_slots
        self._context = context
        self._outcomes = outcomes
        self._todo = todo
        self._ready: deque[Job] = deque()
        self._waiting_for_canary: dict[Shape, list[Job]] = {}
        self._written_ahead: deque[Job] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._start_times: deque[float] = deque()
        self._crash: BaseException | None = None
        for job in todo:
            shape = jobs.first_of_shape(job)
            if shape is None or shape not in self._waiting_for_canary:
                self._ready.append(job)
            if shape is not None:
                self._waiting_for_canary.setdefault(shape, []).append(job)
        for shape, (first, *others) in self._waiting_for_canary.items():
            first.is_canary = True
            self._waiting_for_canary[shape] = others

    async def run_all(self) -> None:
        """Run every job; returns when each has ended, or when the run was stopped and the started jobs have ended."""
        while not self._outcomes.stopped and (self._ready or self._written_ahead or self._tasks):
            if not self._ready and not self._written_ahead:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                continue
            await self._job_slots.take()
            self._write_ahead()
            self._start(self._written_ahead.popleft())
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._crash is not None:
            raise self._crash
        self._report_not_started([job for job in self._todo if not job.ended])

    async def drain(self) -> None:
        """After an interrupt: send no new requests, and give those in flight a short time."""
        self._outcomes.stopped = self._outcomes.stopped or Interrupted("interrupted")
        self._context.server.stop()
        self._jobs.watcher.fail_all_waits(RunStopped())
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=DRAIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _write_ahead(self) -> None:
        """Write ahead more intents than start in one interval, so that no job waits for its own write."""
        now = asyncio.get_running_loop().time()
        while self._start_times and self._start_times[0] < now - self._context.ledger.interval:
            self._start_times.popleft()
        window = max(MIN_WINDOW * self._context.concurrency, 2 * len(self._start_times))
        if len(self._written_ahead) <= window // 2 and self._ready:
            batch = [self._ready.popleft() for _ in range(min(window, len(self._ready)))]
            self._jobs.reserve([*batch, *self._behind_canaries(batch, window - len(batch))])
            self._written_ahead.extend(batch)

    def _behind_canaries(self, batch: list[Job], most: int) -> list[Job]:
        """The first creates that wait for the canaries of a batch. No delete is written ahead of a canary."""
        waiting = [self._waiting_for_canary[job.shape] for job in batch if job.is_canary]
        creates = (job for job in chain.from_iterable(waiting) if not job.action.sessions_to_delete)
        return list(islice(creates, max(0, most)))

    def _start(self, job: Job) -> None:
        self._start_times.append(asyncio.get_running_loop().time())
        task = asyncio.create_task(self._run_job(job))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._crash = self._crash or error
            self._outcomes.stopped = self._outcomes.stopped or SkahaApplyError(f"internal error: {error!r}")

    async def _run_job(self, job: Job) -> None:
        error: str | None = None
        try:
            session_id = await self._jobs.carry_out(job)
        except JobFailed as failure:
            error = str(failure)
            self._fail(job, error, can_be_repeated=failure.can_be_repeated)
        except NothingToDo:
            job.ended = True
            self._outcomes.already_ended += 1
        except RunStopped:
            return
        except SkahaApplyError as failure:
            self._outcomes.stopped = self._outcomes.stopped or failure
        else:
            job.ended = True
            # A replace whose create comes later has carried out its delete only.
            done = replace(job.action, kind=ActionKind.DELETE) if job.action.create_later else job.action
            self._outcomes.applied[done.kind.value] += 1
            self._outcomes.done.append(done)
            self._context.observe(ActionEnded(done, session_id))
        finally:
            self._job_slots.release_slot(job)
            if job.is_canary:
                self._release_waiting(job, error)

    def _release_waiting(self, canary: Job, error: str | None) -> None:
        """Let the jobs that waited for a canary continue if it was accepted; fail them if it was refused."""
        others = self._waiting_for_canary.pop(canary.shape, [])
        if error is None:
            for job in others:
                (self._written_ahead if self._jobs.is_reserved(job) else self._ready).append(job)
            return
        for job in others:
            self._fail(
                job,
                f"not sent, because {canary.action.name}, the first with the same image and resources, failed: {error}",
            )

    def _fail(self, job: Job, error: str, *, can_be_repeated: bool = False) -> None:
        job.ended = True
        action = job.action
        if not can_be_repeated:
            self._outcomes.tried.add(action.attempt_key)
        self._outcomes.failures.append(Failure(action.name, action.kind.value, error))
        self._context.observe(ActionEnded(action, error=error))

    def _report_not_started(self, left: list[Job]) -> None:
        """Add a failure for each job that the stopped run did not start. They stay planned and emit no event."""
        if self._outcomes.stopped:
            error = self._outcomes.stopped.message
            self._outcomes.failures += [Failure(job.action.name, job.action.kind.value, error) for job in left]
