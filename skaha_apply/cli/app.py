"""The application: every command is registered by importing its module."""

from __future__ import annotations

from typing import Annotated

import typer

from skaha_apply.cli.output.streams import Streams
from skaha_apply.model import __version__
from skaha_apply.model.errors import ExitCode

app = typer.Typer(
    name="skaha-apply",
    add_completion=False,
    rich_markup_mode=None,  # plain help: rich costs a tenth of a second
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """Sessions on CANFAR's Skaha API from manifests: `plan` shows what would change, `apply` makes it so."""
    if version:
        Streams().show(f"skaha-apply {__version__}\n")
        raise typer.Exit(ExitCode.OK)
    if context.invoked_subcommand is None:
        Streams().notify(f"{context.get_help()}\n")
        raise typer.Exit(ExitCode.USAGE)
