"""One pass: carry out the actions of a plan, each at most once, whatever the answers are.

Jobs are started in the order of the plan, a bounded number at a time. Before a request, its intent or tombstone is
durable: those of the next jobs are written ahead while the present ones are in flight, so that there is neither a
barrier nor a write for each request. A job that only waits (for a pod to stop, for a list to decide) gives its place
to the next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.apply.context import ExecutionContext, Outcomes
from skaha_apply.apply.job import Job, JobFailed, NothingToDo, RunStopped
from skaha_apply.apply.jobs import Jobs
from skaha_apply.apply.throttle import JobThrottle
from skaha_apply.model.errors import Interrupted, SkahaApplyError, StateError
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.report import ActionEnded, Failure, PassStarted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.apply.job import Shape
    from skaha_apply.model.plan import Action

DRAIN = 5.0  # seconds that requests in flight are granted after an interrupt
MIN_WINDOW = 4  # times the concurrency: at least so many intents are written ahead


async def execute(actions: Iterable[Action], tools: ExecutionContext) -> Outcomes:
    """Carry out actions; what fails is reported in the result and the others go on.

    On cancellation no new request is begun, those in flight get `DRAIN` seconds, what then is still open stays an open
    intent, and the cancellation is raised again.

    Raises:
        StateError: when an intent cannot be stored; nothing is sent without one.
    """
    outcomes = Outcomes()
    turns = JobThrottle(outcomes, 2 * tools.concurrency)
    jobs = Jobs(tools, outcomes, turns)
    todo = [Job(action) for action in actions if action.kind.changes]
    tools.observe(PassStarted(tools.project, len(todo)))
    watching = asyncio.create_task(jobs.watch.run())
    run = _Run(jobs, tools, turns, outcomes, todo)
    try:
        await run.all()
    except asyncio.CancelledError:
        await run.drain()
        raise
    finally:
        watching.cancel()
        await asyncio.gather(watching, jobs.close(), return_exceptions=True)
        jobs.withdraw_unsent()
    if isinstance(outcomes.halted, StateError):
        raise outcomes.halted
    return outcomes


class _Run:
    """The frontier: what is ready, what is written ahead, what is running, what is parked behind the first of its kind.

    `parked` jobs wait for the first create of their image and resources; it makes them ready, or fails them.
    """

    def __init__(
        self, jobs: Jobs, tools: ExecutionContext, turns: JobThrottle, outcomes: Outcomes, todo: list[Job]
    ) -> None:
        self._jobs = jobs
        self._turns = turns
        self._tools = tools
        self._outcomes = outcomes
        self._todo = todo
        self._ready: deque[Job] = deque()
        self._parked: dict[Shape, list[Job]] = {}
        self._ahead: deque[Job] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._begun: deque[float] = deque()
        self._crash: BaseException | None = None
        for job in todo:
            shape = jobs.unproven(job)
            if shape is None or shape not in self._parked:
                self._ready.append(job)
            if shape is not None:
                self._parked.setdefault(shape, []).append(job)
        for shape, (first, *others) in self._parked.items():
            first.pioneer = True
            self._parked[shape] = others

    async def all(self) -> None:
        """Run every job; returns when each has ended, or the run was halted and what was begun has ended."""
        while not self._outcomes.halted and (self._ready or self._ahead or self._tasks):
            if not self._ready and not self._ahead:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                continue
            await self._turns.take()
            self._write_ahead()
            self._start(self._ahead.popleft())
        while self._tasks:
            await asyncio.wait(self._tasks)
        if self._crash is not None:
            raise self._crash
        self._skip([job for job in self._todo if not job.ended])

    async def drain(self) -> None:
        """After an interrupt: no new requests, a short time for those in flight."""
        self._outcomes.halted = self._outcomes.halted or Interrupted("interrupted")
        self._tools.server.stop()
        self._jobs.watch.abandon(RunStopped())
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=DRAIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _write_ahead(self) -> None:
        """Keep more written ahead than is begun in one interval, so that no job waits for a write of its own."""
        now = asyncio.get_running_loop().time()
        while self._begun and self._begun[0] < now - self._tools.ledger.interval:
            self._begun.popleft()
        window = max(MIN_WINDOW * self._tools.concurrency, 2 * len(self._begun))
        if len(self._ahead) <= window // 2 and self._ready:
            batch = [self._ready.popleft() for _ in range(min(window, len(self._ready)))]
            self._jobs.reserve(batch)
            self._ahead.extend(batch)

    def _start(self, job: Job) -> None:
        self._begun.append(asyncio.get_running_loop().time())
        task = asyncio.create_task(self._one(job))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._crash = self._crash or error
            self._outcomes.halted = self._outcomes.halted or SkahaApplyError(f"internal error: {error!r}")

    async def _one(self, job: Job) -> None:
        error: str | None = None
        try:
            session_id = await self._jobs.carry_out(job)
        except JobFailed as failure:
            error = str(failure)
            self._fail(job, error, again=failure.again)
        except NothingToDo:
            job.ended = True
            self._outcomes.spared += 1
        except RunStopped:
            return
        except SkahaApplyError as failure:
            self._outcomes.halted = self._outcomes.halted or failure
        else:
            job.ended = True
            # Of a replace that is held back, only the deletion was carried out.
            done = replace(job.action, kind=ActionKind.DELETE) if job.action.held_back else job.action
            self._outcomes.applied[done.kind.value] += 1
            self._outcomes.done.append(done)
            self._tools.observe(ActionEnded(done, session_id))
        finally:
            self._turns.leave(job)
            if job.pioneer:
                self._unpark(job, error)

    def _unpark(self, pioneer: Job, error: str | None) -> None:
        """The first of its kind has ended: accepted, the others follow; refused, they stay as they are."""
        others = self._parked.pop(pioneer.shape, [])
        if error is None:
            self._ready.extend(others)
            return
        for job in others:
            self._fail(job, f"not tried, since {pioneer.action.name}, the first of its kind, failed: {error}")

    def _fail(self, job: Job, error: str, *, again: bool = False) -> None:
        job.ended = True
        action = job.action
        if not again:
            self._outcomes.tried.add(action.trial)
        self._outcomes.failures.append(Failure(action.name, action.kind.value, error))
        self._tools.observe(ActionEnded(action, error=error))

    def _skip(self, left: list[Job]) -> None:
        """What a halt leaves undone stays planned; that is no event of its own for each replica."""
        if self._outcomes.halted:
            error = self._outcomes.halted.message
            self._outcomes.failures += [Failure(job.action.name, job.action.kind.value, error) for job in left]
