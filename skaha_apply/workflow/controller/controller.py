"""The controller: it reads the manifests again in each round, and makes one pass over each project.

A fault (the server is unavailable, a manifest is broken, a state is locked) ends the round of what it concerns. The
controller logs it once, waits longer between rounds while it lasts, and logs its end.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import AsyncExitStack, suppress
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import AnotherController, Interrupted, ServerError, SkahaApplyError, StateLocked
from skaha_apply.workflow.controller.lock import ControllerLocks
from skaha_apply.workflow.controller.run_log import PassLog, RunLog
from skaha_apply.workflow.reconcile.loop import continue_run, start_run
from skaha_apply.workflow.reconcile.request import ApplyOptions, ApplyRequest
from skaha_apply.workflow.setup.context import find_location, open_context, retry_time, with_event_file
from skaha_apply.workflow.state.binding import find_store
from skaha_apply.workflow.state.edit import free_lease, has_lease
from skaha_apply.workflow.status import survey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from skaha_apply.model.plan import Plan
    from skaha_apply.model.project import Project
    from skaha_apply.model.report import Report
    from skaha_apply.workflow.controller.metrics import Metrics
    from skaha_apply.workflow.event_file import EventFile
    from skaha_apply.workflow.setup.context import Context
    from skaha_apply.workflow.setup.settings import Settings
    from skaha_apply.workflow.state.controller_lease import OwnLease

JITTER = 0.1  # the largest share of a wait that is added or subtracted, so that controllers do not act together
MOST_DOUBLINGS = 3  # of the wait, while a fault lasts
LEASES_FREED = 4.0  # seconds at the end for the leases; containers get 10 s for all
MANIFESTS, SERVER = "manifests", "server"  # sources of faults that concern all projects


@dataclass(frozen=True)
class ControllerRequest:
    """What a controller works on.

    `load` reads the manifests, after each of `pulls` has brought them up to date. `interval` is the time from the start
    of a round to the next, in seconds. `deletes` states whether the invocation is also the approval for deletes and
    replaces. `metrics` gets the status after each pass, which takes one more listing.
    """

    setting: Settings
    load: Callable[[], tuple[Project, ...]]
    log: RunLog
    interval: float
    deletes: bool = False
    pulls: tuple[Callable[[], Awaitable[None]], ...] = ()
    events: EventFile | None = None
    metrics: Metrics | None = None


@dataclass
class Controller:
    """The rounds of one invocation, with the faults that last.

    By project: the phases and the keys of lines that were logged last, and the lineage of its state. `failing` are the
    projects whose last pass had an action that failed. `leases` are those that remote states might have. `has_locks`
    states whether the projects are locked, `is_established` whether each of them had a pass without another controller.
    """

    request: ControllerRequest
    locks: ControllerLocks = field(default_factory=ControllerLocks)
    faults: dict[str, str] = field(default_factory=dict)
    phases: dict[str, Counter[str]] = field(default_factory=dict)
    written: dict[str, frozenset[tuple[str, ...]]] = field(default_factory=dict)
    lineages: dict[str, str] = field(default_factory=dict)
    failing: set[str] = field(default_factory=set)
    leases: dict[str, tuple[Project, OwnLease]] = field(default_factory=dict)
    rounds_with_fault: int = 0
    has_locks: bool = False
    is_established: bool = False

    async def run(self) -> None:
        """Make rounds until the task is canceled.

        Raises:
            AnotherController: at the start, another controller works on the state of a project.
        """
        try:
            while True:
                began = asyncio.get_running_loop().time()
                try:
                    await self._round()
                except (asyncio.CancelledError, Interrupted):
                    # It has used most of the time that the system gives to a process that it stops.
                    self.leases.clear()
                    raise
                await asyncio.sleep(self._time_left(asyncio.get_running_loop().time() - began))
        finally:
            try:
                await self._free_leases(self.leases)
            finally:
                self.locks.free()

    async def _free_leases(self, projects: Iterable[str]) -> None:
        """Let another machine take over at once. A lease that cannot be freed in time ends by itself."""
        freed = [self.leases.pop(name) for name in tuple(projects)]
        with suppress(TimeoutError):
            async with asyncio.timeout(LEASES_FREED):
                for project, lease in freed:
                    with suppress(SkahaApplyError):
                        store = find_store(find_location(self.request.setting).at(project), project)
                        if has_lease(await store.read(), lease.id):
                            await free_lease(store, lease.id, "run")

    def _lock_projects(self, projects: tuple[Project, ...]) -> None:
        """Once, with the first manifests: a second controller ends before it does anything."""
        if not self.has_locks:
            for project in projects:
                self.locks.take(self.request.setting, project)
            self.has_locks = True

    async def _round(self) -> None:
        """Make a pass over each project; a fault of the server ends the round, because all would meet it."""
        try:
            for pull in self.request.pulls:
                await pull()
            projects = self.request.load()
        except SkahaApplyError as error:
            self._fault(MANIFESTS, error)
        else:
            self._recover(MANIFESTS)
            self._lock_projects(projects)
            await self._forget_others(projects)
            try:
                await self._pass_over(projects)
                self.is_established = True
            except ServerError as error:
                self._fault(SERVER, error)
            else:
                self._recover(SERVER)
        self.rounds_with_fault = self.rounds_with_fault + 1 if self.faults or self.failing else 0
        if self.request.metrics is not None:
            self.request.metrics.end_round(frozenset(self.faults))

    async def _forget_others(self, projects: tuple[Project, ...]) -> None:
        """Forget projects that left the manifests: their faults, their numbers, their leases, and their locks."""
        names = frozenset(project.name for project in projects)
        for source in self.faults.keys() - {MANIFESTS, SERVER, *map(_source, projects)}:
            self._recover(source)
        self.failing &= names
        await self._free_leases(self.leases.keys() - names)  # before the locks: who has the lock has the lease
        self.locks.keep(self.request.setting, projects)
        if self.request.metrics is not None:
            self.request.metrics.keep(names)

    async def _pass_over(self, projects: tuple[Project, ...]) -> None:
        setting = self.request.setting
        async with AsyncExitStack() as stack:
            contexts: dict[Path | None, Context] = {}
            for project in projects:
                home = Path(project.homes[0]) if setting.sandbox and project.homes else None
                try:
                    self.locks.take(setting, project)
                    if home not in contexts:
                        contexts[home] = await stack.enter_async_context(open_context(setting, home))
                    await self._pass(contexts[home].at(project), project)
                except (ServerError, Interrupted):
                    raise
                except AnotherController as error:
                    if not self.is_established:
                        raise
                    self._fault(_source(project), error)
                except SkahaApplyError as error:
                    self._fault(_source(project), error)
                else:
                    self._recover(_source(project))

    async def _pass(self, context: Context, project: Project) -> None:
        request = self.request
        pass_log = PassLog(request.log, project.name, self.written.get(project.name, frozenset()))
        recording, observe = with_event_file(request.events, context, project, pass_log.observe)
        # A server or credential that fails for longer ends the pass, and the next round continues its work.
        lineage = self.lineages.get(project.name)
        options = ApplyOptions(init=True, known_lineage=lineage, deletes=request.deletes, timeout=retry_time())
        lease = self.locks.lease(request.setting, project, request.interval)
        if lease is not None:  # a pass that ends with an error might have stored it
            self.leases[project.name] = project, lease
        run = await start_run(ApplyRequest(recording, project, options, _agree, observe, lease=lease))
        self._log_report(pass_log, await continue_run(run))
        if run.last.document is not None:
            self.lineages[project.name] = run.last.document.lineage
        if request.metrics is not None:
            request.metrics.add(await survey(context, project), run.progress.applied)
        if run.last.stopped is not None:
            raise run.last.stopped

    def _log_report(self, pass_log: PassLog, report: Report) -> None:
        """Log what a pass has done and the phases of the replicas, if they are not those of the pass before."""
        project, phases = pass_log.project, Counter(one.phase for one in report.sessions)
        applied = {name: count for name, count in report.applied.items() if count}
        if applied or phases != self.phases.get(project):
            self.request.log.write("pass", project=project, applied=applied, replicas=dict(phases))
        self.phases[project] = phases
        for text in report.notes:
            pass_log.note(text)
        self.written[project] = frozenset(pass_log.keys)
        (self.failing.add if pass_log.has_failed_actions else self.failing.discard)(project)

    def _fault(self, source: str, error: SkahaApplyError) -> None:
        """Log a fault when it begins, and when it becomes another one; the message of a lock has its age."""
        text = error.located_message
        kind = type(error).__name__ if isinstance(error, StateLocked) else text
        if self.faults.get(source) != kind:
            self.faults[source] = kind
            self.request.log.write("fault", level="error", source=source, error=text, hint=error.hint or "")

    def _recover(self, source: str) -> None:
        if self.faults.pop(source, None) is not None:
            self.request.log.write("recovered", source=source)

    def _time_left(self, taken: float) -> float:
        """Seconds until the next round, if the last one has taken `taken` seconds.

        Between the beginnings of two rounds is the interval with jitter, up to 8 times as long while a fault lasts.
        """
        planned = self.request.interval * float(2 ** min(self.rounds_with_fault, MOST_DOUBLINGS))
        return max(0.0, planned * random.uniform(1 - JITTER, 1 + JITTER) - taken)  # noqa: S311 - no secret


def _source(project: Project) -> str:
    """The source of the faults of a project: its name, unless that is the word for a fault of all projects."""
    return f"project {project.name}" if project.name in (MANIFESTS, SERVER) else project.name


async def _agree(_: Plan) -> bool:
    """The invocation is the approval; `ApplyOptions.deletes` states what it covers."""
    return True
