"""`run`: apply manifests again and again, as a controller."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.help import EXIT_CODES, INPUT, OUTPUT, SAFETY, WAITING
from skaha_apply.cli.option_types import DURATION, interval, listen_address
from skaha_apply.cli.options import ManifestOptions, RecordOptions
from skaha_apply.cli.output.session_ids import mask_ids
from skaha_apply.cli.projects import load
from skaha_apply.cli.shared_options import EventsOption
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode, Interrupted

if TYPE_CHECKING:
    from skaha_apply.model.project import MissingValues
    from skaha_apply.workflow.controller.controller import ControllerRequest

INTERVAL = 300.0  # seconds
LISTEN = "127.0.0.1:0"
_CODES = (ExitCode.OK, ExitCode.ERROR, ExitCode.USAGE, ExitCode.LOCKED)
_MEANINGS = {ExitCode.OK: "a signal ended the run", ExitCode.ERROR: "error"}


@dataclass(frozen=True, kw_only=True)
class RunArguments(ManifestOptions, RecordOptions):
    """The options of `run`."""

    interval: Annotated[
        float | None,
        typer.Option(
            parser=interval,
            metavar=DURATION,
            help="Time from the begin of one round to the next (default: 5m)",
            rich_help_panel=WAITING,
        ),
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
    exit_codes={code: _MEANINGS.get(code, text) for code, text in EXIT_CODES.items() if code in _CODES},
)
def run(options: RunArguments) -> ExitCode:
    """Apply manifests again and again, as a controller.

    Each round reads the manifests again, and makes one pass over each project. The command is the approval for creates,
    retries and renewals, and with --yes for deletes and replaces. It prints one line of JSON for each event. It logs a
    fault once, and continues when the fault has ended. SIGTERM and Ctrl-C end it with exit code 0.
    """
    with suppress(Interrupted, KeyboardInterrupt):  # a signal ends it in order, also while it starts
        _serve_and_make_rounds(options)
    return ExitCode.OK


def _serve_and_make_rounds(options: RunArguments) -> None:
    from skaha_apply.model import __version__  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.controller.checkout import find_checkouts  # noqa: PLC0415
    from skaha_apply.workflow.controller.controller import ControllerRequest  # noqa: PLC0415
    from skaha_apply.workflow.controller.metrics import Metrics, serve  # noqa: PLC0415
    from skaha_apply.workflow.controller.run_log import RunLog  # noqa: PLC0415

    streams = options.streams()

    def write(line: str) -> None:
        streams.show_document(f"{mask_ids(line)}\n")
        sys.stdout.flush()

    log, metrics = RunLog(write), Metrics()
    setting = replace(options.setting(), observe=log.note_once)
    wait = INTERVAL if options.interval is None else options.interval
    checkouts = find_checkouts(setting.sources) if options.pull else ()
    host, _, port = (options.listen or LISTEN).rpartition(":")
    server = serve(metrics, host, int(port))
    log.write("started", version=__version__, interval=wait, listen=f"{host}:{server.server_address[1]}")
    try:
        request = ControllerRequest(
            setting,
            lambda: load(setting, streams, warn=False),
            log,
            wait,
            deletes=options.yes,
            checkouts=checkouts,
            metrics=metrics,
        )
        _make_rounds(request, options.events)
    finally:
        server.shutdown()
        server.server_close()


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
