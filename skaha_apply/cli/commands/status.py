"""`status`: where replicas stand; once, again and again, as a number for scripts, or as a picture."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.option_types import DURATION, interval
from skaha_apply.cli.options import ManifestOptions
from skaha_apply.cli.output.streams import write_file
from skaha_apply.cli.projects import for_each, load
from skaha_apply.model.errors import ExitCode, ServerError, StateError, worst

if TYPE_CHECKING:
    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.cli.status_view import View
    from skaha_apply.model.project import Project
    from skaha_apply.model.status import ProjectStatus
    from skaha_apply.workflow.setup.context import Context
    from skaha_apply.workflow.setup.settings import Settings

WATCH = 10.0  # seconds between two looks


class StatusFormat(StrEnum):
    """How the status is printed."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, kw_only=True)
class StatusArguments(ManifestOptions):
    """The options of `status`."""

    output: Annotated[StatusFormat, typer.Option("-o", "--output", help="How to print it.")] = StatusFormat.TEXT
    every: Annotated[bool, typer.Option("--all", help="A row for each replica, however many there are.")] = False
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, until Ctrl-C.")] = False
    poll: Annotated[
        float | None,
        typer.Option(parser=interval, metavar=DURATION, help="Look so often with --watch (default: 10s)."),
    ] = None
    exit_code: Annotated[
        bool,
        typer.Option(
            "--exit-code",
            help="Exit code 0 when nothing is left to do, 2 while something is, 9 or 8 when something went wrong; with "
            "--watch, end once it is not 2.",
        ),
    ] = False
    timeline: Annotated[
        str | None,
        typer.Option(
            "--timeline", metavar="FILE", help="Draw when each replica waited, ran and failed, as a .png or an .svg."
        ),
    ] = None


@command(app, "status")
def status(options: StatusArguments) -> ExitCode:
    """Show where every replica stands."""
    from skaha_apply.cli.status_view import view  # noqa: PLC0415 - keeps --help fast

    streams = options.streams()
    _check_picture_format(options)
    setting = options.setting()
    projects = load(setting, streams, looks=True)
    shown = view(streams, as_document=options.output is StatusFormat.JSON, every=options.every, watched=options.watch)
    look = ProjectSurvey(setting, projects, streams)
    while True:
        code = _refresh_once(look, shown, options)
        if not options.watch or not look.seen or (code is not None and _ends_watch(code, options)):
            return ExitCode.ERROR if code is None else code
        time.sleep(WATCH if options.poll is None else options.poll)


def _ends_watch(code: ExitCode, options: StatusArguments) -> bool:
    """Whether a watch ends: after an error, or once nothing goes on any more where that is asked for."""
    return code is not (ExitCode.CHANGES if options.exit_code else ExitCode.OK)


def _refresh_once(look: ProjectSurvey, shown: View, options: StatusArguments) -> ExitCode | None:
    """Look, show it and draw it; None when server or state could not be asked, though they could be before."""
    try:
        code, found = look()
    except (ServerError, StateError) as error:
        if not look.seen:
            raise
        shown.away(error)
        return None
    shown.show(found)
    if options.timeline is not None:
        _draw(options.timeline, found)
    if code is ExitCode.OK and options.exit_code:
        return worst(one.exit_code for one in found)
    return code


class ProjectSurvey:
    """Looks at every project of a call; `seen` tells whether that has succeeded before."""

    def __init__(self, setting: Settings, projects: tuple[Project, ...], streams: Streams) -> None:
        self._setting, self._projects, self._streams = setting, projects, streams
        self.seen = False

    def __call__(self) -> tuple[ExitCode, tuple[ProjectStatus, ...]]:
        """One look, and the exit code that it ends with; raises what server and state do once it has succeeded."""
        from skaha_apply.workflow.status import survey  # noqa: PLC0415 - keeps --help fast

        found: list[ProjectStatus] = []
        trouble: list[StateError] = []

        async def one(context: Context, project: Project) -> ExitCode:
            try:
                found.append(await survey(context, project))
            except StateError as error:
                if not self.seen:
                    raise
                trouble.append(error)
            return ExitCode.OK

        code = for_each(self._setting, self._projects, self._streams, one)
        if trouble:
            raise trouble[0]
        self.seen = self.seen or bool(found)
        return code, tuple(found)


def _check_picture_format(options: StatusArguments) -> None:
    """Raise what would keep the picture from being drawn, before the server is asked."""
    if options.timeline is not None:
        from skaha_apply.render.pictures.figure import picture_format, require_matplotlib  # noqa: PLC0415 - keeps --help fast

        picture_format(options.timeline)
        require_matplotlib()


def _draw(path: str, found: tuple[ProjectStatus, ...]) -> None:
    from skaha_apply.render.pictures.figure import picture_format  # noqa: PLC0415 - as above
    from skaha_apply.render.pictures.timeline import timeline_picture  # noqa: PLC0415
    from skaha_apply.workflow.timeline import timeline  # noqa: PLC0415

    picture = timeline_picture([timeline(one) for one in found], picture_format(path))
    write_file("picture", path, picture)
