"""`fmt`: write manifests in canonical key order and layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.help import OUTPUT
from skaha_apply.cli.options import PathOptions
from skaha_apply.cli.output.streams import stdin_bytes
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode, SkahaApplyError
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.model.diagnostics import Formatted
    from skaha_apply.workflow.setup.settings import Settings


@dataclass(frozen=True, kw_only=True)
class FormatArguments(PathOptions):
    """The options of `fmt`."""

    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 1 if a file would change", rich_help_panel=OUTPUT)
    ] = False


@command(app, "fmt", examples=("skaha-apply fmt manifests/", "skaha-apply fmt --check"))
def fmt(options: FormatArguments) -> ExitCode:
    """Format manifests in canonical key order and layout.

    Moves whole lines. Comments, anchors, quotes and values stay as they are. Writes each file that changes, and prints
    its name. With - it reads standard input and prints the result. Use --check in CI and in a commit hook.
    """
    from skaha_apply.workflow.fmt import format_all  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.setup.settings import Settings  # noqa: PLC0415

    streams = options.streams()
    setting = Settings(paths=options.sources)
    codes = [_write(one, setting, streams, check=options.check) for one in format_all(setting, stdin_bytes)]
    return ExitCode.ERROR if ExitCode.ERROR in codes else ExitCode.OK


def _write(formatted: Formatted, setting: Settings, streams: Streams, *, check: bool) -> ExitCode:
    from skaha_apply.workflow.fmt import write  # noqa: PLC0415 - keeps --help fast

    if formatted.problems:
        streams.notify_diagnostics(formatted.problems)
        return ExitCode.ERROR
    if check:
        if formatted.changed:
            streams.show(f"would change {one_line(formatted.file)}\n")
        return ExitCode.ERROR if formatted.changed else ExitCode.OK
    if formatted.file == "-":
        streams.show_exact(formatted.after)
    elif formatted.changed:
        try:
            write(setting, formatted)
        except SkahaApplyError as error:
            streams.show_error(error)
            return ExitCode.ERROR
        streams.show(f"changed {one_line(formatted.file)}\n")
    return ExitCode.OK
