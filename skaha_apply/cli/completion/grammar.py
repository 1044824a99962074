"""What each command takes, read from the tables of its help, for the scripts of the shells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from skaha_apply.cli.invocation import PROGRAM
from skaha_apply.cli.overview import COMMANDS
from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILES, NAMES = ":files", ":names"  # kinds of values that the shell, or this program, completes
_CHOICES = re.compile(r"[a-z][a-z-]*(\|[a-z][a-z-]*)+")


@dataclass(frozen=True)
class Completed:
    """A command: the kind of value of each option (None for a flag), and the kinds of its arguments, in their order.

    A kind is `FILES`, `NAMES`, "" for a value that nothing completes, or words with blanks between them. `commands` are
    the commands of a group, with their summaries; `helps` the texts of the options.
    """

    summary: str
    options: Mapping[str, str | None]
    arguments: tuple[str, ...]
    commands: Mapping[str, str]
    helps: Mapping[str, str]


def grammar(command: Any, path: str = "", parent: Any = None) -> Iterator[tuple[str, Completed]]:
    """Each command and group of commands with its words; "" is the program itself."""
    settings = command.context_settings
    context = command.context_class(command, parent, path or PROGRAM, resilient_parsing=True, **settings)
    options: dict[str, str | None] = {}
    helps: dict[str, str] = {}
    arguments = []
    for one in command.get_params(context):
        if one.param_type_name == "argument":
            arguments.append(_kind(one.metavar or "", argument=True))
            continue
        record = one.get_help_record(context)
        if record is None:
            continue
        metavar = record[0].rpartition(" ")[2]
        is_flag = one.is_flag or metavar.startswith("[=")  # the next word is an argument
        kind = None if is_flag else _kind(metavar, session="--session" in one.opts)
        options.update(dict.fromkeys(one.opts, kind))
        helps.update(dict.fromkeys(one.opts, getattr(one, "help", None) or ""))
    order = {name: index for index, name in enumerate(COMMANDS)}
    children = dict(sorted(getattr(command, "commands", {}).items(), key=lambda item: order.get(item[0], len(order))))
    commands = {name: child.help.partition("\n")[0] for name, child in children.items()}
    yield path, Completed(command.help.partition("\n")[0], options, tuple(arguments), commands, helps)
    for name, child in children.items():
        yield from grammar(child, f"{path} {name}".strip(), context)


def _kind(metavar: str, *, argument: bool = False, session: bool = False) -> str:
    text = metavar.strip("<>[]")
    if _CHOICES.fullmatch(text):
        return text.replace("|", " ")
    if metavar in ("NAME[/REPLICAS]", "OLD") or (metavar == "NAME" and (argument or session)):
        return NAMES
    return FILES if re.match(r"(FILE|PATH|DIR|GLOB)\b", metavar) else ""
