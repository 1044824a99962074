"""`convert`: a line that creates sessions, as a manifest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.options import CommonOptions
from skaha_apply.model.errors import ExitCode


@dataclass(frozen=True, kw_only=True)
class ConvertArguments(CommonOptions):
    """The options of `convert`."""

    line: Annotated[
        list[str],
        typer.Argument(metavar="-- skaha|canfar create ...", help="The command line, after --.", show_default=False),
    ]


@command(app, "convert")
def convert(options: ConvertArguments) -> ExitCode:
    """Print the manifest that does what a `skaha create` or `canfar create` line does."""
    from skaha_apply import manifest  # noqa: PLC0415 - keeps --help fast

    options.streams().show_document(manifest.convert(options.line))
    return ExitCode.OK
