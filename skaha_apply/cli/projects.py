"""What commands share that work project by project: load, open the world, go on with the next when one fails."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from skaha_apply.cli.running import run
from skaha_apply.cli.standard import stdin_bytes
from skaha_apply.cli.veil import hide
from skaha_apply.model.errors import ExitCode, Interrupted, ServerError, SkahaApplyError, worst
from skaha_apply.render.errors import problems_text
from skaha_apply.render.printable import line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping

    from skaha_apply.cli.streams import Streams
    from skaha_apply.model.spec import Project
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.workflow.setting import Setting
    from skaha_apply.workflow.world import Place, World

    Work = Callable[[World, Project], Awaitable[ExitCode]]
    Rest = Callable[[], Mapping[str, Coroutine[Any, Any, ExitCode]]]


def load(setting: Setting, streams: Streams) -> tuple[Project, ...]:
    """The projects of a call; warnings about them are told. Raises what `load_projects` raises."""
    from skaha_apply.workflow.load import load_projects  # noqa: PLC0415 - keeps --help fast

    projects, warnings = load_projects(setting, stdin_bytes)
    for project in projects:
        hide(project.secrets)
    streams.tell(problems_text(warnings))
    return projects


def for_each(
    setting: Setting,
    projects: tuple[Project, ...],
    streams: Streams,
    work: Work,
    scope: PlanOptions | None = None,
    rest: Rest | None = None,
) -> ExitCode:
    """Do the work for each project, one after the other, then the rest of all side by side.

    The exit code is the worst of them. `rest` gives what is left to do, by the project's name. `scope` has the `--target` and `--exclude` of the call, which have to mean something in one of the projects. An
    error of one project is told and the next one is tried, unless it is the server's, which would be the same.
    """

    async def everything() -> ExitCode:
        from skaha_apply.workflow.world import open_world  # noqa: PLC0415 - keeps --help fast

        async with open_world(setting) as world:
            return await _each(world.place, projects, streams, lambda project: work(world, project), scope, rest)

    return run(everything(), streams.give_back)


def for_each_offline(
    setting: Setting,
    projects: tuple[Project, ...],
    streams: Streams,
    work: Callable[[Place, Project], Awaitable[ExitCode]],
    scope: PlanOptions,
) -> ExitCode:
    """As `for_each`, with no server: nothing is sent and no credential is read."""
    from skaha_apply.workflow.world import find_place  # noqa: PLC0415 - keeps --help fast

    place = find_place(setting)
    return run(_each(place, projects, streams, lambda project: work(place, project), scope), streams.give_back)


async def _each(
    place: Place,
    projects: tuple[Project, ...],
    streams: Streams,
    work: Callable[[Project], Awaitable[ExitCode]],
    scope: PlanOptions | None,
    rest: Rest | None = None,
) -> ExitCode:
    from skaha_apply.workflow.scope import check_scope  # noqa: PLC0415 - keeps --help fast

    if scope is not None:
        await check_scope(place, projects, scope)
    telling = _Telling(streams, several=len(projects) > 1)
    for project in projects:
        await telling.take(project.name, work(project))
    async with _together() as group:
        for name, left in (rest() if rest is not None else {}).items():
            group.create_task(telling.take(name, left))
    return worst(telling.codes)


class _Telling:
    """Takes the exit codes of several projects; an error of one is told, and is its code."""

    def __init__(self, streams: Streams, *, several: bool) -> None:
        self._streams = streams
        self._several = several
        self.codes: list[ExitCode] = []

    async def take(self, name: str, work: Awaitable[ExitCode]) -> None:
        """Do the work of one project; raises what would be the same for all."""
        try:
            self.codes.append(await work)
        except (ServerError, Interrupted):
            raise
        except SkahaApplyError as error:
            if self._several:
                self._streams.say(f"{line(name)}:")
            self._streams.fail(error)
            self.codes.append(error.exit_code)


@asynccontextmanager
async def _together() -> AsyncIterator[asyncio.TaskGroup]:
    """Tasks side by side; the first error ends the others in order, and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
