"""`run`: apply manifests again and again, as a controller."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.help import INPUT, OUTPUT, SAFETY, SERVING_EXIT_CODES, WAITING
from skaha_apply.cli.invocation import complete_commands, set_paths
from skaha_apply.cli.option_types import interval, listen_address
from skaha_apply.cli.options import ManifestOptions, RecordOptions
from skaha_apply.cli.output.output_files import check_outputs
from skaha_apply.cli.output.session_ids import mask_ids
from skaha_apply.cli.projects import load
from skaha_apply.cli.shared_options import EventsOption, RepeatedPathsArgument, duration_option
from skaha_apply.cli.signals import until_signal
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skaha_apply.model.project import MissingValues, Project
    from skaha_apply.workflow.controller.controller import ControllerRequest
    from skaha_apply.workflow.setup.settings import Settings

INTERVAL = 300.0  # seconds
LISTEN = "127.0.0.1:0"


@dataclass(frozen=True, kw_only=True)
class RunArguments(ManifestOptions, RecordOptions):
    """The options of `run`."""

    paths: RepeatedPathsArgument = None
    interval: Annotated[
        float | None,
        duration_option("Time from the start of one round to the next (default: 5m)", WAITING, parser=interval),
    ] = None
    yes: Annotated[
        bool,
        typer.Option(
            "-y", "--yes", help="Also delete and replace sessions (default: only report it)", rich_help_panel=SAFETY
        ),
    ] = False
    pull: Annotated[
        bool,
        typer.Option("--pull", help="Pull the git checkout of the manifests before each round", rich_help_panel=INPUT),
    ] = False
    repository: Annotated[
        str | None,
        typer.Option(
            metavar="REMOTE",
            help="Git repository with the manifests, pulled before each round; PATHs are in it (default: none)",
            rich_help_panel=INPUT,
        ),
    ] = None
    branch: Annotated[
        str | None,
        typer.Option(
            metavar="BRANCH",
            help="Branch of --repository (default: the one that the repository names)",
            rich_help_panel=INPUT,
        ),
    ] = None
    listen: Annotated[
        str | None,
        typer.Option(
            parser=listen_address,
            metavar="HOST:PORT",
            help="Where /healthz and /metrics are served (default: 127.0.0.1 and a free port)",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    events: EventsOption = None

    @property
    def missing_values(self) -> MissingValues:
        """Every variable must have a value, because requests contain the values."""
        from skaha_apply.model.project import MissingValues  # noqa: PLC0415 - keeps --help fast

        return MissingValues.NONE


@command(
    app,
    "run",
    examples=("skaha-apply run --sandbox", "skaha-apply run --yes --interval 10m --listen 127.0.0.1:9100"),
    exit_codes={**SERVING_EXIT_CODES, ExitCode.LOCKED: "another controller works on a project"},
)
def run(options: RunArguments) -> ExitCode:
    """Apply manifests again and again, as a controller.

    Each round reads the manifests again, and makes one pass over each project. The command is the approval for creates,
    retries and renewals, and with --yes for deletes and replaces. It prints one line of JSON for each event. It logs a
    fault once, and continues when the fault has ended. SIGTERM and Ctrl-C end it with exit code 0.
    """
    check_outputs({"--events": options.events})
    with until_signal():
        _serve_and_make_rounds(options)
    return ExitCode.OK


def _serve_and_make_rounds(options: RunArguments) -> None:
    from skaha_apply.model import __version__  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.controller.controller import ControllerRequest  # noqa: PLC0415
    from skaha_apply.workflow.controller.metrics import Metrics, serve  # noqa: PLC0415
    from skaha_apply.workflow.controller.run_log import RunLog  # noqa: PLC0415

    streams = options.streams()

    def write(line: str) -> None:
        streams.show_document(f"{mask_ids(line)}\n")
        sys.stdout.flush()

    log, metrics = RunLog(write, complete_commands), Metrics()
    setting = replace(options.setting(), observe=log.note_once)
    pulls, load_manifests = _manifests(options, setting)
    wait = INTERVAL if options.interval is None else options.interval
    host, _, port = (options.listen or LISTEN).rpartition(":")
    server = serve(metrics, host, int(port))
    try:
        log.write("started", version=__version__, interval=wait, listen=f"{host}:{server.server_address[1]}")
        request = ControllerRequest(
            setting,
            load_manifests,
            log,
            wait,
            deletes=options.yes,
            pulls=pulls,
            metrics=metrics,
        )
        _make_rounds(request, options.events)
    finally:
        server.shutdown()
        server.server_close()


def _manifests(
    options: RunArguments, setting: Settings
) -> tuple[tuple[Callable[[], Awaitable[None]], ...], Callable[[], tuple[Project, ...]]]:
    """What brings the manifests up to date, and what loads them; raises `UsageError`."""
    from functools import partial  # noqa: PLC0415 - keeps --help fast

    from skaha_apply.workflow.controller.checkout import find_checkouts, pull  # noqa: PLC0415
    from skaha_apply.workflow.controller.repository import open_repository  # noqa: PLC0415

    def read(chosen: Settings) -> tuple[Project, ...]:
        return load(chosen, options.streams(), warn=False)

    if options.repository is None:
        if options.branch is not None:
            raise UsageError("--branch requires --repository", hint="--pull follows the branch of the checkout.")
        checkouts = find_checkouts(setting.sources) if options.pull else ()
        return tuple(partial(pull, one) for one in checkouts), partial(read, setting)
    if options.pull:
        raise UsageError("--pull and --repository exclude each other", hint="--repository is pulled in any case.")
    repository = open_repository(options.repository, options.branch or "", setting, os.environ)
    set_paths(())  # commands in hints run in the working directory, which has no manifests
    return (repository.pull,), partial(repository.load, setting, read)


def _make_rounds(request: ControllerRequest, events: str | None) -> None:
    """Make rounds until a signal ends them."""
    from skaha_apply.cli import event_loop  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.controller.controller import Controller  # noqa: PLC0415
    from skaha_apply.workflow.setup.context import open_event_file  # noqa: PLC0415

    try:
        with open_event_file(events, mask_ids) as file:
            event_loop.run(Controller(replace(request, events=file)).run())
    finally:
        request.log.write("stopped")
