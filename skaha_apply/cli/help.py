"""The layout of `--help`: a summary, a paragraph, options in groups, examples, and exit codes where scripts need them.

The layout uses neither rich nor any other heavy import, so `--help` stays fast. For the same reason, commands read
their options as `option_types.read_lightly` does.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import typer.core

from skaha_apply.cli.option_types import read_lightly
from skaha_apply.cli.overview import COMMANDS, examples_text
from skaha_apply.model.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INPUT = "Input"
SELECTION = "Selection"
SAFETY = "Safety"
WAITING = "Waiting"
OUTPUT = "Output"
SERVER = "Server and state"
REHEARSAL = "Sandbox"
LIMITS = "Limits of the sandbox"
ACCESS = "Users of the sandbox"
COMMON = "Common"
GROUPS = (INPUT, SELECTION, SAFETY, WAITING, OUTPUT, SERVER, REHEARSAL, LIMITS, ACCESS, COMMON)
FIRST_COLUMN = 26  # columns; a longer option gets a line of its own, and its help starts on the next line

EXIT_CODES: Mapping[ExitCode, str] = {
    ExitCode.OK: "success",
    ExitCode.ERROR: "error, or you declined",
    ExitCode.CHANGES: "changes are pending",
    ExitCode.USAGE: "usage error: an option, argument or value is not valid",
    ExitCode.STALE: "the plan differs from the saved or reviewed plan",
    ExitCode.LOCKED: "the state is locked, or another invocation took the lock over",
    ExitCode.REFUSED: "refused by a safety rule",
    ExitCode.PARTIAL: "applied in part: an action failed, or a conflict remains",
    ExitCode.UNFINISHED: "a replica in scope is failed, unknown, on hold or blocked",
    ExitCode.TIMEOUT: "--timeout reached, or the server stayed unavailable",
    ExitCode.INTERRUPTED: "interrupted",
}
# Of a command that works until a signal.
SERVING_EXIT_CODES: Mapping[ExitCode, str] = {
    ExitCode.OK: "a signal ended the command",
    ExitCode.ERROR: "error",
    ExitCode.USAGE: EXIT_CODES[ExitCode.USAGE],
}


def epilog(examples: Sequence[str], exit_codes: Mapping[ExitCode, str] | None = None) -> str:
    """The end of a help text: examples that can be pasted, then a table of exit codes."""
    text = examples_text(examples)
    if exit_codes:
        text += "\n\n" + "\n".join(["Exit codes:", *(f"  {code:<5}{meaning}" for code, meaning in exit_codes.items())])
    return text


def help_text(function: Any) -> str:
    """The docstring of a command, its summary without the period that a docstring ends its first line with."""
    summary, _, rest = inspect.cleandoc(function.__doc__ or "").partition("\n")
    return f"{summary.removesuffix('.')}\n{rest}"


class _LightCommand:
    """Reads its options without pydantic, and prints the epilog as written; click would wrap it as a paragraph."""

    epilog: str | None

    def get_params(self, ctx: Any) -> list[Any]:
        """The options and arguments, with the option `--help`."""
        return [read_lightly(parameter) for parameter in super().get_params(ctx)]  # type: ignore[misc]

    def format_epilog(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - click's signature
        if self.epilog:
            formatter.write(f"\n{self.epilog}\n")


class HelpCommand(_LightCommand, typer.core.TyperCommand):
    """A command whose help lists its options in groups."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then the options group by group, in the order of `GROUPS`."""
        arguments = []
        groups: dict[str, list[tuple[str, str]]] = {name: [] for name in GROUPS}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            text = getattr(parameter, "help", None) or ""  # typer adds the default, which the text names
            text = text.removesuffix(".")
            if record is not None and parameter.param_type_name == "argument":
                arguments.append((parameter.metavar or str(parameter.name).upper(), text))
            elif record is not None:
                groups[getattr(parameter, "rich_help_panel", None) or COMMON].append(
                    (record[0].replace(" [=", "[="), text)
                )
        for name, rows in (("Arguments", arguments), *groups.items()):
            if rows:
                with formatter.section(name):
                    formatter.write_dl(rows, col_max=FIRST_COLUMN)


class HelpGroup(_LightCommand, typer.core.TyperGroup):
    """A group of commands: `skaha-apply` itself, `state`, `sandbox`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names; those of `skaha-apply` in the order of the overview, whichever module was imported first."""
        names = super().list_commands(ctx)
        return names if ctx.parent is not None else [name for name in COMMANDS if name in names]
