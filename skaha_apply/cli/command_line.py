"""From the words of a command line to an exit code."""

from __future__ import annotations

import shlex
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.main import get_command

from skaha_apply.cli.app import app
from skaha_apply.cli.invocation import PROGRAM, set_words
from skaha_apply.cli.output.streams import Streams
from skaha_apply.cli.overview import COMMANDS
from skaha_apply.model.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

# Older versions of typer raise click's own exceptions, newer ones bring a copy. A child finds the class in both cases.
_ParserError: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
_VALUE_IF_ALONE = {"--adopt": "--adopt=active"}  # options whose value can be left out


def run_words(arguments: Sequence[str]) -> ExitCode:
    """Run one command line: the words after the name of the program."""
    words = _with_default_values(arguments)
    set_words(words)
    register(words[0] if words else "")
    try:
        return ExitCode(get_command(app).main(args=words, prog_name=PROGRAM, standalone_mode=False) or 0)
    except _ParserError as error:
        return _report_usage_error(error, words)
    except typer.Abort:  # an interrupt while the line was read, in older versions of typer
        return ExitCode.INTERRUPTED
    except SystemExit:  # the reader of a help text closed the pipe
        return ExitCode.OK


def register(name: str = "") -> None:
    """Import the command of that name, or all commands if there is none: all of them cost a fifth of a second."""
    for command in (name,) if name in COMMANDS else COMMANDS:
        import_module(f"skaha_apply.cli.commands.{command}")


def _with_default_values(words: Sequence[str]) -> list[str]:
    """The words with a value after each option whose value can be left out. Words after `--` are not changed."""
    end = words.index("--") if "--" in words else len(words)
    return [*(_VALUE_IF_ALONE.get(word, word) for word in words[:end]), *words[end:]]


def _report_usage_error(error: Any, words: list[str]) -> ExitCode:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else PROGRAM
    hint = f"to see the options: {path} --help"
    if path == PROGRAM and words and words[0].startswith("-"):
        hint = f"write options after the command: {shlex.join([PROGRAM, 'plan', words[0]])}"
    Streams(color="--no-color" not in words).message("error", error.format_message(), hint)
    return ExitCode.USAGE
