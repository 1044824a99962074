"""`completion`: print the script with which a shell completes commands, options and names."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from skaha_apply.cli.app import app
from skaha_apply.cli.command import command
from skaha_apply.cli.options import CommonOptions
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ExitCode


class Shell(StrEnum):
    """The shells that have a script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@dataclass(frozen=True, kw_only=True)
class CompletionArguments(CommonOptions):
    """The options of `completion`."""

    shell: Annotated[
        Shell,
        typer.Argument(metavar="bash|zsh|fish", help="Shell that runs the script", show_default=False),
    ]


@command(
    app,
    "completion",
    examples=("skaha-apply completion bash > ~/.local/share/bash-completion/completions/skaha-apply",),
)
def completion(options: CompletionArguments) -> ExitCode:
    """Print a script that completes words in a shell.

    The script completes commands, options and their values. Names of entries, sessions and replicas come from the
    manifests and the state. It never asks the server. Print it again after an update of skaha-apply.
    """
    from typer.main import get_command  # noqa: PLC0415 - keeps --help fast

    from skaha_apply.cli.command_line import register  # noqa: PLC0415 - it imports the commands
    from skaha_apply.cli.completion.grammar import grammar  # noqa: PLC0415
    from skaha_apply.cli.completion.scripts import SCRIPTS  # noqa: PLC0415

    register()
    options.streams().show_document(SCRIPTS[options.shell.value](dict(grammar(get_command(app)))))
    return ExitCode.OK
