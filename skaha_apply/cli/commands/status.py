"""`status`: show the phase of each replica, once or until a signal, as text, JSON, an exit code or a picture."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.help import EXIT_CODES, OUTPUT, WAITING
from skaha_apply.cli.option_types import interval
from skaha_apply.cli.options import ManifestOptions
from skaha_apply.cli.output.output_files import check_outputs
from skaha_apply.cli.output.page_file import PageFile
from skaha_apply.cli.output.streams import write_file
from skaha_apply.cli.projects import for_each, for_each_offline, load
from skaha_apply.cli.shared_options import HtmlOption, PublicOption, TextOrJson, duration_option, format_option
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode, Interrupted, ServerError, StateError, worst

if TYPE_CHECKING:
    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.cli.status_view import View
    from skaha_apply.model.project import Project
    from skaha_apply.model.status import ProjectStatus
    from skaha_apply.workflow.setup.context import Context, StateLocation
    from skaha_apply.workflow.setup.settings import Settings

WATCH_INTERVAL = 10.0  # seconds between two refreshes


@dataclass(frozen=True, kw_only=True)
class StatusArguments(ManifestOptions):
    """The options of `status`."""

    output: Annotated[TextOrJson, format_option("status")] = TextOrJson.TEXT
    every: Annotated[
        bool, typer.Option("--all", help="Print one row for each replica of large entries too", rich_help_panel=OUTPUT)
    ] = False
    watch: Annotated[
        bool, typer.Option("--watch", help="Refresh continuously until Ctrl-C", rich_help_panel=WAITING)
    ] = False
    poll: Annotated[
        float | None,
        duration_option("Interval between refreshes with --watch (default: 10s)", WAITING, parser=interval),
    ] = None
    exit_code: Annotated[
        bool,
        typer.Option(
            "--exit-code",
            help="Exit with the codes below; with --watch, stop once the code is not 2",
            rich_help_panel=OUTPUT,
        ),
    ] = False
    timeline: Annotated[
        str | None,
        typer.Option(
            "--timeline",
            metavar="FILE",
            help="Draw waits, runs and failures in FILE (.png, .svg); requires skaha-apply[plot]",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    html: HtmlOption = None
    public: PublicOption = False

    @property
    def interval(self) -> float:
        """The seconds between two refreshes of a watch."""
        return WATCH_INTERVAL if self.poll is None else self.poll


@command(
    app,
    "status",
    examples=(
        "skaha-apply status --sandbox",
        "skaha-apply status --sandbox --watch --exit-code",
        "skaha-apply status --sandbox --exit-code -o json",
    ),
    exit_codes={
        ExitCode.OK: "success; with --exit-code: nothing is left to do",
        ExitCode.ERROR: "error",
        ExitCode.CHANGES: "only with --exit-code: a replica is active, waits, or would be applied",
        ExitCode.USAGE: EXIT_CODES[ExitCode.USAGE],
        ExitCode.PARTIAL: "only with --exit-code: a replica is in conflict",
        ExitCode.UNFINISHED: "only with --exit-code: a replica is failed, unknown, on hold or blocked",
        ExitCode.INTERRUPTED: EXIT_CODES[ExitCode.INTERRUPTED],
    },
)
def status(options: StatusArguments) -> ExitCode:
    """Show the phase of each replica, and what is left to do.

    Reads the manifests, the state and the sessions that the server lists. Changes nothing, and takes no lock. Entries
    with more than 20 replicas are summarized, with the replicas that need attention. Use --exit-code in scripts.
    """
    from skaha_apply.cli.status_view import choose_view  # noqa: PLC0415 - keeps --help fast

    check_outputs({"--html": options.html, "--timeline": options.timeline})
    streams = options.streams()
    _check_picture_format(options)
    poll = options.interval if options.watch else None
    page = PageFile(options.html, streams, public=options.public, poll=poll)
    setting = options.setting()
    projects = load(setting, streams, warn=False)
    status_view = choose_view(
        streams, as_document=options.output is TextOrJson.JSON, every=options.every, watched=options.watch
    )
    page.order(projects)
    survey = ProjectSurvey(setting, projects, streams, page)
    try:
        return _watch(survey, status_view, options)
    except (KeyboardInterrupt, Interrupted) as interrupt:
        ctrl_c = isinstance(interrupt, KeyboardInterrupt) or interrupt.number == signal.SIGINT
        if options.watch and ctrl_c and not options.exit_code:
            streams.notify("\n" if streams.err_is_terminal else "")
            return ExitCode.OK  # the way to end a watch
        raise


def _watch(survey: ProjectSurvey, status_view: View, options: StatusArguments) -> ExitCode:
    """Refresh once, or until the watch ends; returns the exit code."""
    while True:
        code = _refresh_once(survey, status_view, options)
        if not options.watch or not survey.has_succeeded or (code is not None and _ends_watch(code, options)):
            return ExitCode.ERROR if code is None else code
        time.sleep(options.interval)


def _ends_watch(code: ExitCode, options: StatusArguments) -> bool:
    """Whether a watch ends: after an error, or with --exit-code once the code is not 2."""
    return code is not (ExitCode.CHANGES if options.exit_code else ExitCode.OK)


def _refresh_once(survey: ProjectSurvey, status_view: View, options: StatusArguments) -> ExitCode | None:
    """Refresh, show and draw the status; None if server or state fail after an earlier refresh succeeded.

    A timeline is drawn from the state alone if the server is unavailable.
    """
    try:
        code, found = survey()
    except (ServerError, StateError) as error:
        if survey.has_succeeded:
            status_view.show_outage(error)
            return None
        if isinstance(error, StateError) or options.timeline is None or options.watch or options.exit_code:
            raise
        code, found = survey.recorded(error)
    status_view.show(found)
    if options.timeline is not None:
        _draw(options.timeline, found)
    if not options.watch:
        survey.page.check()
    if code is ExitCode.OK and options.exit_code:
        return worst(status.exit_code for status in found)
    return code


class ProjectSurvey:
    """Observes every project of the invocation; `has_succeeded` is true once that worked."""

    def __init__(self, setting: Settings, projects: tuple[Project, ...], streams: Streams, page: PageFile) -> None:
        self._setting, self._projects, self._streams, self.page = setting, projects, streams, page
        self.has_succeeded = False

    def __call__(self) -> tuple[ExitCode, tuple[ProjectStatus, ...]]:
        """Observe once; returns the exit code and the status of each project.

        Raises errors of server and state, once an earlier observation succeeded.
        """
        from skaha_apply.workflow.page import project_page  # noqa: PLC0415 - keeps --help fast
        from skaha_apply.workflow.status import survey as observe_project  # noqa: PLC0415

        found: list[ProjectStatus] = []
        errors: list[StateError] = []

        async def one(context: Context, project: Project) -> ExitCode:
            try:
                status = await observe_project(context, project)
                found.append(status)
                self.page.add(lambda: project_page(context.location, project, status))
            except StateError as error:
                if not self.has_succeeded:
                    raise
                errors.append(error)
            return ExitCode.OK

        code = for_each(self._setting, self._projects, self._streams, one)
        if errors:
            raise errors[0]
        self.has_succeeded = self.has_succeeded or bool(found)
        return code, tuple(found)

    def recorded(self, error: ServerError) -> tuple[ExitCode, tuple[ProjectStatus, ...]]:
        """The status of each project when its state was last written, with a warning that states why."""
        from skaha_apply.planning.options import PlanOptions  # noqa: PLC0415 - only without a server
        from skaha_apply.render.times import rfc3339  # noqa: PLC0415
        from skaha_apply.workflow.status import recorded_status  # noqa: PLC0415

        found: list[ProjectStatus] = []

        async def one(location: StateLocation, project: Project) -> ExitCode:
            status = await recorded_status(location, project, offline=error.message)
            text = f"{error.message}; the server was not asked, and this is the state of {rfc3339(status.at)}"
            self._streams.message("warning", text)
            found.append(status)
            return ExitCode.OK

        code = for_each_offline(self._setting, self._projects, self._streams, one, PlanOptions())
        return code, tuple(found)


def _check_picture_format(options: StatusArguments) -> None:
    """Raise an error if the picture cannot be drawn, before any request is sent."""
    if options.timeline is not None:
        from skaha_apply.render.pictures.figure import picture_format, require_matplotlib  # noqa: PLC0415 - keeps --help fast

        picture_format(options.timeline)
        require_matplotlib()


def _draw(path: str, found: tuple[ProjectStatus, ...]) -> None:
    from skaha_apply.render.pictures.figure import picture_format  # noqa: PLC0415 - as above
    from skaha_apply.render.pictures.timeline import timeline_picture  # noqa: PLC0415
    from skaha_apply.workflow.timeline import timeline  # noqa: PLC0415

    picture = timeline_picture([timeline(status) for status in found], picture_format(path))
    write_file("picture", path, picture)
