"""Recognizes the words of a command that creates a session, also behind `nohup` or `xargs`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.manifest.generate.command_line import PROGRAMS, VERBS
from skaha_apply.manifest.generate.scripts.traced_text import plain, template

if TYPE_CHECKING:
    from collections.abc import Sequence

WRAPPERS = frozenset({"nohup", "time", "command", "exec", "uvx", "env", "sudo", "nice"})
WITH_VALUE = frozenset({"-n", "-P", "-L", "-s", "-d", "-a", "-E", "-I"})  # options of xargs


def xargs_command(words: Sequence[str]) -> tuple[str, list[str]]:
    """What stands for a line in the command of `xargs`, "" if the line is the last argument; and that command."""
    placeholder, at = "", 1
    while at < len(words) and plain(words[at]).startswith("-"):
        option = plain(words[at])
        if option.startswith("-I"):
            placeholder = option[2:] or (plain(words[at + 1]) if at + 1 < len(words) else "{}")
        at += 2 if option in WITH_VALUE else 1
    return placeholder, list(words[at:])


def step_name(words: Sequence[str]) -> str:
    """A name for what a program does with the values of a loop, the same in each round."""
    return " ".join(template(word, str) for word in words)


def is_create(words: Sequence[str]) -> bool:
    """Whether a command runs `skaha create` or `canfar create`, perhaps through another program."""
    names = [plain(word).rpartition("/")[2] for word in words[:4]]
    for index, name in enumerate(names[:-1]):
        if name in PROGRAMS:
            return names[index + 1] in VERBS
        if name not in WRAPPERS:
            return False
    return False
