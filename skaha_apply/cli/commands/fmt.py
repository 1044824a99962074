"""`fmt`: manifests in canonical order and layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.options import CommonOptions, Paths
from skaha_apply.cli.output.streams import stdin_bytes
from skaha_apply.model.errors import ExitCode, SkahaApplyError
from skaha_apply.render.lint.text import printable_diagnostics
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.model.diagnostics import Formatted
    from skaha_apply.workflow.setup.settings import Settings


@dataclass(frozen=True, kw_only=True)
class FormatArguments(CommonOptions):
    """The options of `fmt`."""

    paths: Paths = None
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit code 1 when something would change.")] = (
        False
    )


@command(app, "fmt")
def fmt(options: FormatArguments) -> ExitCode:
    """Write manifests in canonical order and layout; comments, anchors, quotes and the meaning stay."""
    from skaha_apply.workflow.fmt import format_all  # noqa: PLC0415 - keeps --help fast
    from skaha_apply.workflow.setup.settings import Settings  # noqa: PLC0415

    streams = options.streams()
    setting = Settings(paths=tuple(options.paths or ()))
    codes = [_one(one, setting, streams, check=options.check) for one in format_all(setting, stdin_bytes)]
    return ExitCode.ERROR if ExitCode.ERROR in codes else ExitCode.OK


def _one(one: Formatted, setting: Settings, streams: Streams, *, check: bool) -> ExitCode:
    from skaha_apply.workflow.fmt import write  # noqa: PLC0415 - keeps --help fast

    if one.problems:
        streams.notify(printable_diagnostics(one.problems))
        return ExitCode.ERROR
    if check:
        if one.changed:
            streams.show(f"would change {one_line(one.file)}\n")
        return ExitCode.ERROR if one.changed else ExitCode.OK
    if one.file == "-":
        streams.show_exact(one.after)
    elif one.changed:
        try:
            write(setting, one)
        except SkahaApplyError as error:
            streams.show_error(error)
            return ExitCode.ERROR
        streams.show(f"changed {one_line(one.file)}\n")
    return ExitCode.OK
