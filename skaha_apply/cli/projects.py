"""What commands share that work project by project: load, open the world, go on with the next when one fails."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skaha_apply.cli.event_loop import run
from skaha_apply.cli.invocation import exclude_variables
from skaha_apply.cli.output.masking import add_secrets
from skaha_apply.cli.output.streams import stdin_bytes
from skaha_apply.model.errors import ExitCode, Interrupted, ServerError, SkahaApplyError, worst
from skaha_apply.render.errors import printable_diagnostics
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.model.project import Project
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.workflow.setup.context import Context, StateLocation
    from skaha_apply.workflow.setup.settings import Settings

    Later = Callable[[], Coroutine[Any, Any, ExitCode]]
    Work = Callable[[Context, Project], Awaitable[ExitCode | Later]]


def load(setting: Settings, streams: Streams, *, looks: bool = False) -> tuple[Project, ...]:
    """The projects of a call; warnings about them are told, but where a command only `looks`.

    Raises what `load_projects` raises.
    """
    from skaha_apply.workflow.setup.load import load_projects  # noqa: PLC0415 - keeps --help fast

    projects, warnings = load_projects(setting, stdin_bytes)
    for project in projects:
        add_secrets(project.secrets)
        exclude_variables(project.secrets)
    if not looks:
        streams.notify(printable_diagnostics(warnings))
    return projects


def for_each(
    setting: Settings,
    projects: tuple[Project, ...],
    streams: Streams,
    work: Work,
    scope: PlanOptions | None = None,
) -> ExitCode:
    """Do the work for each project, one after the other; the exit code is the worst of them.

    Work that gives a function instead of a code is not at its end: those of all projects are called then, and what they
    give goes on side by side. `scope` has the `--target` and `--exclude` of the call, which have to mean something in
    one of the projects. An error of one project is told and the next one is tried, unless it is the server's, which
    would be the same.
    """

    async def everything() -> ExitCode:
        from skaha_apply.workflow.setup.context import open_world  # noqa: PLC0415 - keeps --help fast

        async with AsyncExitStack() as stack:
            worlds: dict[Path | None, Context] = {}
            for home in dict.fromkeys(map(home_of, projects)):
                worlds[home] = await stack.enter_async_context(open_world(setting, home))
            location = next(iter(worlds.values())).location
            return await _each(
                location, projects, streams, lambda project: work(worlds[home_of(project)].at(project), project), scope
            )

    def home_of(project: Project) -> Path | None:
        """The folder whose sandbox a project uses; all projects share a server."""
        return Path(project.homes[0]) if setting.sandbox and project.homes else None

    return run(everything(), streams.restore_terminal)


def for_each_offline(
    setting: Settings,
    projects: tuple[Project, ...],
    streams: Streams,
    work: Callable[[StateLocation, Project], Awaitable[ExitCode]],
    scope: PlanOptions,
) -> ExitCode:
    """As `for_each`, with no server: nothing is sent and no credential is read."""
    from skaha_apply.workflow.setup.context import find_location  # noqa: PLC0415 - keeps --help fast

    location = find_location(setting)
    return run(
        _each(location, projects, streams, lambda project: work(location.at(project), project), scope),
        streams.restore_terminal,
    )


async def _each(
    location: StateLocation,
    projects: tuple[Project, ...],
    streams: Streams,
    work: Callable[[Project], Awaitable[ExitCode | Later]],
    scope: PlanOptions | None,
) -> ExitCode:
    from skaha_apply.workflow.setup.selection import check_scope  # noqa: PLC0415 - keeps --help fast

    if scope is not None:
        await check_scope(location, projects, scope)
    telling = ProjectRunner(streams, several=len(projects) > 1)
    for project in projects:
        await telling.take(project.name, work(project))
    async with _all_or_first_error() as group:
        for name, go_on in telling.later.items():
            group.create_task(telling.take(name, go_on()))
    return worst(telling.codes)


class ProjectRunner:
    """Takes what the work of several projects gives; an error of one is told, and is its code."""

    def __init__(self, streams: Streams, *, several: bool) -> None:
        self._streams = streams
        self._several = several
        self.codes: list[ExitCode] = []
        self.later: dict[str, Later] = {}

    async def take(self, name: str, work: Awaitable[ExitCode | Later]) -> None:
        """Do the work of one project; raises what would be the same for all."""
        try:
            given = await work
        except (ServerError, Interrupted):
            raise
        except SkahaApplyError as error:
            if self._several:
                self._streams.notify_line(f"{one_line(name)}:")
            self._streams.show_error(error)
            given = error.exit_code
        if isinstance(given, ExitCode):
            self.codes.append(given)
        else:
            self.later[name] = given


@asynccontextmanager
async def _all_or_first_error() -> AsyncIterator[asyncio.TaskGroup]:
    """Tasks side by side; the first error ends the others in order, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
