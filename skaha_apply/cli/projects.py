"""Work on several projects: load them, open server and states, and continue with the next project after an error."""

from __future__ import annotations

from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from skaha_apply.cli.event_loop import all_or_first_error, run
from skaha_apply.cli.invocation import exclude_variables
from skaha_apply.cli.output.masking import add_secrets
from skaha_apply.cli.output.streams import stdin_bytes
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode, Interrupted, ServerError, SkahaApplyError, worst
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from skaha_apply.cli.output.result_files import ResultFiles
    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.model.project import Project
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.workflow.setup.context import Context, StateLocation
    from skaha_apply.workflow.setup.settings import Settings

    Work = Callable[[Context, Project], Awaitable[ExitCode]]

Started = TypeVar("Started")


@dataclass(frozen=True)
class TwoSteps(Generic[Started]):
    """Work in two steps: `start` for one project after the other, then `finish` for all of them at the same time."""

    start: Callable[[Context, Project], Awaitable[Started]]
    finish: Callable[[Started], Awaitable[ExitCode]]


def load(
    setting: Settings, streams: Streams, results: ResultFiles | None = None, *, warn: bool = True
) -> tuple[Project, ...]:
    """The projects of the manifests. With `warn`, warnings about the manifests are printed; `results` keeps them.

    Raises what `load_projects` raises.
    """
    from skaha_apply.workflow.setup.load import load_projects  # noqa: PLC0415 - keeps --help fast

    projects, warnings = load_projects(setting, stdin_bytes)
    for project in projects:
        add_secrets(project.secrets)
        exclude_variables(project.secrets)
    if results is not None:
        results.add_diagnostics(warnings)
    if warn and warnings:
        streams.notify_diagnostics(warnings)
    return projects


def for_each(
    setting: Settings,
    projects: tuple[Project, ...],
    streams: Streams,
    work: Work,
    scope: PlanOptions | None = None,
) -> ExitCode:
    """Do the work for one project after the other; returns the worst exit code. See `for_each_in_two_steps`."""
    return for_each_in_two_steps(setting, projects, streams, TwoSteps(work, _as_it_is), scope)


def for_each_in_two_steps(
    setting: Settings,
    projects: tuple[Project, ...],
    streams: Streams,
    steps: TwoSteps[Started],
    scope: PlanOptions | None = None,
) -> ExitCode:
    """Start the work of each project in turn, then finish all of them together; returns the worst exit code.

    `scope` has the `--target` and `--exclude` of the invocation, which have to match a replica of some project. If the
    work of a project fails, its error is printed and the others continue. An error of the server ends all, because the
    others would meet it too.
    """

    async def run_all() -> ExitCode:
        from skaha_apply.workflow.setup.context import open_context  # noqa: PLC0415 - keeps --help fast

        async with AsyncExitStack() as stack:
            contexts: dict[Path | None, Context] = {}
            for home in dict.fromkeys(map(home_of, projects)):
                contexts[home] = await stack.enter_async_context(open_context(setting, home))
            location = next(iter(contexts.values())).location

            async def start(project: Project) -> Started:
                return await steps.start(contexts[home_of(project)].at(project), project)

            await _check_scope(location, projects, scope)
            return await ProjectRunner(projects, streams).run(start, steps.finish)

    def home_of(project: Project) -> Path | None:
        """The folder whose sandbox a project uses; all projects share a server."""
        return Path(project.homes[0]) if setting.sandbox and project.homes else None

    return run(run_all(), streams.restore_terminal)


def for_each_offline(
    setting: Settings,
    projects: tuple[Project, ...],
    streams: Streams,
    work: Callable[[StateLocation, Project], Awaitable[ExitCode]],
    scope: PlanOptions,
) -> ExitCode:
    """As `for_each`, without a server: no request is sent and no credential is read."""
    from skaha_apply.workflow.setup.context import find_location  # noqa: PLC0415 - keeps --help fast

    location = find_location(setting)

    async def start(project: Project) -> ExitCode:
        return await work(location.at(project), project)

    async def run_all() -> ExitCode:
        await _check_scope(location, projects, scope)
        return await ProjectRunner(projects, streams).run(start, _as_it_is)

    return run(run_all(), streams.restore_terminal)


async def _as_it_is(code: ExitCode) -> ExitCode:
    """The second step of work that has only one."""
    return code


async def _check_scope(location: StateLocation, projects: tuple[Project, ...], scope: PlanOptions | None) -> None:
    from skaha_apply.workflow.setup.selection import check_scope  # noqa: PLC0415 - keeps --help fast

    if scope is not None:
        await check_scope(location, projects, scope)


class ProjectRunner:
    """Runs the work of several projects, and prints the error of a project without stopping the others."""

    def __init__(self, projects: tuple[Project, ...], streams: Streams) -> None:
        self._projects = projects
        self._streams = streams
        self._codes: list[ExitCode] = []

    async def run(
        self,
        start: Callable[[Project], Awaitable[Started]],
        finish: Callable[[Started], Awaitable[ExitCode]],
    ) -> ExitCode:
        """Start in turn, finish together; returns the worst exit code. Raises errors of the server."""
        started: list[tuple[str, Started]] = []
        for project in self._projects:
            with self._reporting_errors(project.name):
                started.append((project.name, await start(project)))
        async with all_or_first_error() as group:
            for name, work in started:
                group.create_task(self._finish(name, finish(work)))
        return worst(self._codes)

    async def _finish(self, name: str, finishing: Awaitable[ExitCode]) -> None:
        with self._reporting_errors(name):
            self._codes.append(await finishing)

    @contextmanager
    def _reporting_errors(self, name: str) -> Iterator[None]:
        """Print an error that concerns this project alone; its exit code counts."""
        try:
            yield
        except (ServerError, Interrupted):
            raise
        except SkahaApplyError as error:
            if len(self._projects) > 1:
                self._streams.notify_line(f"{one_line(name)}:")
            self._streams.show_error(error)
            self._codes.append(error.exit_code)
