"""`status`, `logs`, `events`: where replicas stand, and what they said."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.documents import as_json
from skaha_apply.cli.options import Manifests, Named
from skaha_apply.cli.projects import for_each, load
from skaha_apply.cli.registry import command
from skaha_apply.cli.streams import Streams
from skaha_apply.model.errors import ExitCode, UsageError
from skaha_apply.render.printable import block, line

if TYPE_CHECKING:
    from skaha_apply.model.spec import Project
    from skaha_apply.workflow.logs import LogText
    from skaha_apply.workflow.setting import Setting
    from skaha_apply.workflow.world import World


WATCH = 10.0  # seconds between two looks
CLEAR = "\x1b[H\x1b[2J"  # the terminal's cursor home, and everything erased


class StatusFormat(StrEnum):
    """How the status is printed."""

    TEXT = "text"
    JSON = "json"


@dataclass(frozen=True, kw_only=True)
class StatusCall(Manifests):
    """The options of `status`."""

    output: Annotated[StatusFormat, typer.Option("-o", "--output", help="How to print it.")] = StatusFormat.TEXT
    watch: Annotated[bool, typer.Option("--watch", help="Look again every 10 seconds, until Ctrl-C.")] = False


@dataclass(frozen=True, kw_only=True)
class LogsCall(Named):
    """The options of `logs` and `events`."""

    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME[/REPLICAS]",
            help="A session of the manifest, or some of its replicas: reduce, reduce/3, reduce/1-5.",
            show_default=False,
        ),
    ]


@command(app, "status")
def status(options: StatusCall) -> ExitCode:
    """Show where every replica stands."""
    streams = Streams.of(options)
    setting = options.setting()
    projects = load(setting, streams)
    if not options.watch:
        return _status(options, streams, setting, projects)
    while True:
        code = _status(options, streams, setting, projects)
        if code is not ExitCode.OK:
            return code
        time.sleep(WATCH)


def _status(options: StatusCall, streams: Streams, setting: Setting, projects: tuple[Project, ...]) -> ExitCode:
    from skaha_apply.render.table import status_document, status_text, statuses_document  # noqa: PLC0415
    from skaha_apply.workflow.status import status as rows_of  # noqa: PLC0415 - keeps --help fast

    documents: list[dict[str, Any]] = []
    texts: list[str] = []

    async def one(world: World, project: Project) -> ExitCode:
        rows = await rows_of(world, project)
        documents.append(status_document(project.name, rows))
        heading = f"{streams.out_ink(line(project.name), 'bold')}\n" if len(projects) > 1 else ""
        texts.append(heading + status_text(rows, streams.out_ink))
        return ExitCode.OK

    code = for_each(setting, projects, streams, one)
    if options.output is StatusFormat.JSON and documents:
        streams.show(as_json(statuses_document(documents)))
    elif texts:
        clear = CLEAR if options.watch and streams.out_is_terminal else ""
        streams.show(clear + "\n".join(texts))
    return code


@command(app, "logs")
def logs(options: LogsCall) -> ExitCode:
    """Print the log of replicas: from the server while it has it, else the saved copy."""
    return _read(options, events=False)


@command(app, "events")
def events(options: LogsCall) -> ExitCode:
    """Print the events of replicas: from the server while it has them, else the saved copy."""
    return _read(options, events=True)


def _read(options: LogsCall, *, events: bool) -> ExitCode:
    from skaha_apply.workflow.logs import read_logs  # noqa: PLC0415 - keeps --help fast

    streams = Streams.of(options)
    setting = options.setting()
    projects = load(setting, streams)
    found: list[LogText] = []
    unknown: list[UsageError] = []

    async def one(world: World, project: Project) -> ExitCode:
        try:
            found.extend(await read_logs(world, project, options.name, events=events))
        except UsageError as error:
            unknown.append(error)
        return ExitCode.OK

    code = for_each(setting, projects, streams, one)
    if not found and unknown:
        raise unknown[0]
    for text in found:
        _show(text, streams, alone=len(found) == 1, what="events" if events else "log")
    return code


def _show(text: LogText, streams: Streams, *, alone: bool, what: str) -> None:
    """A file gets the text as it is; in a terminal its control characters are shown, not obeyed."""
    name = f"{line(text.name)} ({line(text.id or 'no session')})"
    if not text.text:
        streams.say(f"{name}: no {what}, neither on the server nor saved")
        return
    if not alone:
        streams.show(f"==> {name} <==\n")
    shown = block(text.text) if streams.out_is_terminal else text.text
    streams.show(shown if shown.endswith("\n") else f"{shown}\n")
