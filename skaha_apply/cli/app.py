"""The application, with which each module of `commands/` registers its command."""

from __future__ import annotations

from typing import Annotated

import typer

from skaha_apply.cli.help import HelpGroup, epilog
from skaha_apply.cli.output.streams import Streams
from skaha_apply.cli.overview import EXAMPLES, MAX_WIDTH, PARAGRAPH, SUMMARY, VERSION_HELP
from skaha_apply.model import __version__
from skaha_apply.model.errors import ExitCode

app = typer.Typer(
    name="skaha-apply",
    cls=HelpGroup,
    add_completion=False,
    rich_markup_mode=None,  # plain help: rich costs a tenth of a second
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": MAX_WIDTH},
)


def add_group(name: str, summary: str, paragraph: str, examples: tuple[str, ...]) -> typer.Typer:
    """Add a command that has commands of its own, such as `state`."""
    group = typer.Typer(cls=HelpGroup, help=f"{summary}\n\n{paragraph}", epilog=epilog(examples), rich_markup_mode=None)
    app.add_typer(group, name=name)
    return group


@app.callback(
    invoke_without_command=True,
    help=f"{SUMMARY}\n\n{PARAGRAPH}",
    epilog=epilog(EXAMPLES),
)
def root(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help=VERSION_HELP)] = False,
) -> None:
    """Print the version, or the help if no command is given."""
    if version:
        Streams().show(f"skaha-apply {__version__}\n")
        raise typer.Exit(ExitCode.OK)
    if context.invoked_subcommand is None:
        Streams().notify(f"{context.get_help()}\n")
        raise typer.Exit(ExitCode.USAGE)
