"""From the words of a command line to an exit code."""

from __future__ import annotations

import os
import re
import sys
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import typer
from typer.main import get_command

from skaha_apply.cli.app import app
from skaha_apply.cli.invocation import PROGRAM, pasteable, set_words
from skaha_apply.cli.output.streams import Streams
from skaha_apply.cli.overview import COMMANDS
from skaha_apply.model.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.cli.foreign.suggestion import Parameters, Suggestion

# Older versions of typer raise click's own exceptions, newer ones bring a copy. A child finds the class in both cases.
_ParserError: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
_VALUE_IF_ALONE = {"--adopt": "--adopt=active", "--pretend": "--pretend=2s"}  # options whose value can be left out
_MAYBE_VALUE = re.compile(r"[0-9]+(?:\.[0-9]+)?[a-zA-Z]{0,3}")  # a word that can be meant as the value of `--pretend`

_parsers: dict[tuple[str, ...], Any] = {}  # by the commands that were imported


def run_words(arguments: Sequence[str]) -> ExitCode:
    """Run one command line: the words after the name of the program."""
    words = _with_default_values(arguments)
    set_words(words)
    if code := _refuse_separate_value(arguments):
        return code
    register(words[0] if words else "")
    try:
        return ExitCode(_parser().main(args=words, prog_name=PROGRAM, standalone_mode=False) or 0)
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


def _parser() -> Any:
    """The parser of all commands that are imported; to make one takes a third of the time of `--help`."""
    imported = tuple(name for name in COMMANDS if f"skaha_apply.cli.commands.{name}" in sys.modules)
    if imported not in _parsers:
        _parsers[imported] = get_command(app)
    return _parsers[imported]


def _with_default_values(words: Sequence[str]) -> list[str]:
    """The words with a value after each option whose value can be left out. Words after `--` are not changed."""
    end = words.index("--") if "--" in words else len(words)
    return [*(_VALUE_IF_ALONE.get(word, word) for word in words[:end]), *words[end:]]


def _refuse_separate_value(arguments: Sequence[str]) -> ExitCode | None:
    """Report `--pretend 5s`: after an option whose value can be left out, the next word is an argument."""
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    for word, after in pairwise(arguments[:end]):
        if word == "--pretend" and _MAYBE_VALUE.fullmatch(after):
            unit = "" if after[-1].isalpha() else "s"
            streams = Streams(color="--no-color" not in arguments)
            streams.message("error", f"{after!r} does not belong to --pretend", f"write --pretend={after}{unit}")
            return ExitCode.USAGE
    return None


def _report_usage_error(error: Any, words: list[str]) -> ExitCode:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else PROGRAM
    streams = Streams(color="--no-color" not in words)
    found = _suggestion(error, path.removeprefix(PROGRAM).strip(), words)
    if found is not None:
        streams.message("error", found.error, found.hint)
    else:
        streams.message("error", error.format_message(), f"to see the options: {path} --help")
    return ExitCode.USAGE


def _suggestion(error: Any, command: str, words: list[str]) -> Suggestion | None:
    """What to write instead of words of another tool, or of an option before its command."""
    from skaha_apply.cli.foreign import suggestion  # noqa: PLC0415 - only after a mistake

    wrong = getattr(error, "option_name", "")
    parameter = getattr(error, "param", None)
    variable = getattr(parameter, "is_flag", False) and getattr(parameter, "envvar", None)
    if variable:  # a flag has no value on the command line
        value = os.environ.get(variable, "")
        return suggestion.Suggestion(f"{variable}={value!r} is neither 1 nor 0", f"to leave it out: unset {variable}")
    ordered = [] if command or not words[:1] or not words[0].startswith("-") else suggestion.suggest_order(words)
    if ordered:
        found = suggestion.suggest_command(ordered, parameters_of)
        hint = found.hint if found else f"write options after the command:\n{pasteable(ordered)}"
        return suggestion.Suggestion(error.format_message(), hint)
    rest = words[len(command.split()) :]
    if wrong and command:
        return suggestion.suggest_option(command, rest, parameters_of, wrong)
    if command in ("", "state", "sandbox") and rest and "No such command" in error.format_message():
        found = suggestion.suggest_command(words, parameters_of)
        if found is None:
            from skaha_apply.cli.foreign.nearest import suggest_nearest  # noqa: PLC0415 - only after a mistake

            found = suggest_nearest(words, command, _names_in(command))
        return found
    return None


def _names_in(group: str) -> list[str]:
    """The commands of a group; without a name those of skaha-apply."""
    if not group:
        return list(COMMANDS)
    register(group)
    found: Any = get_command(app)
    return list(found.commands[group].commands)


def parameters_of(command: str) -> Parameters:
    """The options and arguments of a command, such as `state mv`."""
    from skaha_apply.cli.foreign.suggestion import parameters_of as read_parameters  # noqa: PLC0415 - as above

    register(command.split(maxsplit=1)[0])
    found = _parser()
    for name in command.split():
        found = found.commands[name]
    return read_parameters(found)
