"""`convert`: turn a script, or a command line, that creates sessions into a manifest."""

from __future__ import annotations

from typing import Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.help import OUTPUT
from skaha_apply.cli.options import CommonOptions
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.counts import counted
from skaha_apply.model.errors import ExitCode, UsageError


@dataclass(frozen=True, kw_only=True)
class ConvertArguments(CommonOptions):
    """The options of `convert`."""

    source: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE | -- skaha|canfar create ...",
            help="A bash or Python script, or after -- one command line of the other client",
            show_default=False,
        ),
    ]
    tables: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Folder for tables of loops with several values (default: none, an entry for each row)",
            rich_help_panel=OUTPUT,
        ),
    ] = None


@command(
    app,
    "convert",
    examples=(
        "skaha-apply convert survey.sh > converted.yaml",
        "skaha-apply convert survey.sh --tables . > converted.yaml",
        "skaha-apply convert -- skaha create -n reduce headless images.canfar.net/skaha/astroml:24.07 -- python r.py",
    ),
)
def convert(options: ConvertArguments) -> ExitCode:
    """Print the manifest for a script or a command line.

    Reads a bash script with `skaha create` or `canfar create` lines, a Python script with Session.create calls, or one
    command line, and prints a manifest that creates the same sessions. A loop becomes a matrix. What the script does
    not state becomes a comment with its line. Runs nothing, sends nothing, and writes only the files of --tables.
    """
    from pathlib import Path  # noqa: PLC0415 - keeps --help fast

    from skaha_apply.workflow.new_manifest.convert import convert_file, convert_line, write_tables  # noqa: PLC0415

    streams = options.streams()
    if len(options.source) > 1 or " " in options.source[0].strip():
        if options.tables is not None:
            raise UsageError("--tables requires a script", hint="remove --tables: one command line has no loop")
        streams.show_document(convert_line(options.source))
        return ExitCode.OK
    made = convert_file(options.source[0], Path(), options.tables)
    write_tables(made.tables, Path())
    streams.show_document(made.text)
    if made.remarks:
        places = counted(made.remarks, "place")
        streams.message("note", f"the script does not state everything; see the comments about {places}")
    return ExitCode.OK
