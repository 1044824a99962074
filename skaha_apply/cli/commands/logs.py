"""`logs`: print the logs of replicas, for each attempt. `events` shares its options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.help import SELECTION
from skaha_apply.cli.options import NameOptions, ServerOptions
from skaha_apply.cli.projects import for_each, load
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode, UsageError, worst
from skaha_apply.render.printable import one_line, printable_lines

if TYPE_CHECKING:
    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.model.project import Project
    from skaha_apply.workflow.logs import LogText
    from skaha_apply.workflow.setup.context import Context

ALL = "all"


def attempt(text: str) -> str:
    """The number of an attempt, counted from 1, or `all`."""
    if text != ALL and not (text.isascii() and text.isdigit() and int(text) >= 1):
        raise typer.BadParameter(f"{text!r} is not an attempt: write a number from 1, or {ALL}")
    return text


@dataclass(frozen=True, kw_only=True)
class LogsArguments(NameOptions, ServerOptions):
    """The options of `logs` and `events`."""

    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME[/REPLICAS]",
            help="Replicas to print: the name of a session, or reduce/3, or reduce/1-5",
            show_default=False,
        ),
    ]
    attempt: Annotated[
        str | None,
        typer.Option(
            "--attempt",
            parser=attempt,
            metavar="N|all",
            help="Number of an attempt, or all (default: the last attempt that has one)",
            rich_help_panel=SELECTION,
        ),
    ] = None


@command(
    app,
    "logs",
    examples=("skaha-apply logs reduce/1 --sandbox", "skaha-apply logs 'reduce*' --sandbox --attempt all"),
)
def logs(options: LogsArguments) -> ExitCode:
    """Print the logs of replicas.

    The server has the log while it lists the session; later the command prints the copy that the tool saved. If the
    last attempt has no log, the command prints the last log that exists and states its attempt. Control characters are
    printed as escapes. Changes nothing.
    """
    return read(options, events=False)


def read(options: LogsArguments, *, events: bool) -> ExitCode:
    """Print the logs or the events of the selected replicas."""
    from skaha_apply.workflow.logs import ALL as EVERY  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.logs import read_logs  # noqa: PLC0415
    from skaha_apply.workflow.setup.variables import unmasked  # noqa: PLC0415

    streams = options.streams()
    setting = options.setting()
    projects = load(setting, streams, warn=False)
    chosen = None if options.attempt is None else EVERY if options.attempt == ALL else int(options.attempt)
    found: list[LogText] = []
    unknown: list[UsageError] = []

    async def one(context: Context, project: Project) -> ExitCode:
        for note in unmasked(project):
            streams.notify_line(note)
        try:
            found.extend(await read_logs(context, project, options.name, events=events, attempt=chosen))
        except UsageError as error:
            unknown.append(error)
        return ExitCode.OK

    code = for_each(setting, projects, streams, one)
    if not found and unknown:
        raise unknown[0]
    for text in found:
        _show(text, streams, alone=len(found) == 1, what="events" if events else "log")
    return code if any(text.exists for text in found) else worst((code, ExitCode.ERROR))


def _show(text: LogText, streams: Streams, *, alone: bool, what: str) -> None:
    """Print the text of one attempt, with its control characters as escapes, in a file too."""
    name = f"{one_line(text.name)} ({one_line(text.id or 'no session')})"
    if text.attempts > 1:
        name += f", attempt {text.attempt} of {text.attempts}" + (f", {text.phase}" if text.phase else "")
    if not text.text:
        nothing = "the log is empty" if text.exists else f"no {what} found on the server, and no saved copy"
        streams.notify_line(f"{name}: {nothing}")
        return
    if text.later:
        streams.notify_line(f"{name}: the last log; the last attempt (number {text.later}) has none")
    if not alone:
        streams.show(f"==> {name} <==\n")
    shown = printable_lines(text.text)
    streams.show_log(shown if shown.endswith("\n") else f"{shown}\n")
