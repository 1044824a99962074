"""What commands share that work project by project: load, open the world, go on with the next when one fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.cli.running import run
from skaha_apply.cli.standard import stdin_bytes
from skaha_apply.cli.veil import hide
from skaha_apply.model.errors import ExitCode, Interrupted, ServerError, SkahaApplyError, worst
from skaha_apply.render.errors import problems_text
from skaha_apply.render.printable import line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skaha_apply.cli.streams import Streams
    from skaha_apply.model.spec import Project
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.workflow.setting import Setting
    from skaha_apply.workflow.world import World

    Work = Callable[[World, Project], Awaitable[ExitCode]]


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
) -> ExitCode:
    """Do the work for each project; the exit code is the worst of them.

    `scope` has the `--target` and `--exclude` of the call, which have to mean something in one of the projects. An
    error of one project is told and the next one is tried, unless it is the server's, which would be the same.
    """

    async def everything() -> ExitCode:
        from skaha_apply.workflow.scope import check_scope  # noqa: PLC0415 - keeps --help fast
        from skaha_apply.workflow.world import open_world  # noqa: PLC0415

        codes = []
        async with open_world(setting) as world:
            if scope is not None:
                await check_scope(world.place, projects, scope)
            for project in projects:
                try:
                    codes.append(await work(world, project))
                except (ServerError, Interrupted):
                    raise
                except SkahaApplyError as error:
                    if len(projects) > 1:
                        streams.say(f"{line(project.name)}:")
                    streams.fail(error)
                    codes.append(error.exit_code)
        return worst(codes)

    return run(everything(), streams.give_back)
