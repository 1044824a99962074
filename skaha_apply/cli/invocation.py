"""The words of this invocation, for hints that repeat it: as it was, or with another option."""

from __future__ import annotations

import re
import shlex
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PROGRAM = "skaha-apply"
_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")
_words: list[str] = []
_sensitive: set[str] = set()


def set_words(words: Sequence[str]) -> None:
    """Keep the words of a new invocation."""
    _words[:] = words
    _sensitive.clear()


def exclude_variables(variables: Iterable[str]) -> None:
    """Never repeat the values of these variables, which are sensitive."""
    _sensitive.update(variables)


def repeat_command() -> str:
    """The command to type again, without a login in an address and without sensitive values.

    A command that lacks a sensitive value stops with an error that names the variable.
    """
    kept: list[str] = []
    for word in _words:
        before = kept[-1] if kept else ""
        if before == "--var" and _is_sensitive(word):
            kept.pop()
        elif not (word.startswith("--var=") and _is_sensitive(word.removeprefix("--var="))):
            kept.append(_LOGIN.sub("", word))
    return shlex.join([PROGRAM, *kept])


def _is_sensitive(assignment: str) -> bool:
    return assignment.partition("=")[0].strip() in _sensitive


def redacted_words() -> tuple[str, ...]:
    """The words after the name of the program, without the values of variables: they can be sensitive."""
    words = _words or sys.argv[1:]
    before = ("", *words)
    return tuple(_without_value(word, previous) for previous, word in zip(before, words, strict=False))


def _without_value(word: str, previous: str) -> str:
    if previous == "--var" or word.startswith("--var="):
        name = word.removeprefix("--var=").partition("=")[0]
        return f"{'--var=' if word.startswith('--var=') else ''}{name}=VALUE"
    return word
