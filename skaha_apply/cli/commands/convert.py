"""`convert`: turn a command line that creates sessions into a manifest."""

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
        typer.Argument(
            metavar="-- skaha|canfar create ...",
            help="The command line of the other client, after --",
            show_default=False,
        ),
    ]


@command(
    app,
    "convert",
    examples=(
        "skaha-apply convert -- skaha create -n reduce headless images.canfar.net/skaha/astroml:24.07 -- python r.py",
    ),
)
def convert(options: ConvertArguments) -> ExitCode:
    """Print the manifest for a `skaha create` command line.

    Reads a `skaha create` or `canfar create` command line, and prints a manifest that creates the same sessions. Sends
    nothing and writes nothing. Use it to move from a script to a manifest.
    """
    from skaha_apply import manifest  # noqa: PLC0415 - keeps --help fast

    options.streams().show_document(manifest.convert(options.line))
    return ExitCode.OK
