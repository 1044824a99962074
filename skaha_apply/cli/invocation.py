"""The words of this invocation, for hints that repeat it with another option."""

from __future__ import annotations

import sys


def invocation() -> tuple[str, ...]:
    """The words after the name of the program, without the values of variables: they can be sensitive."""
    words = sys.argv[1:]
    before = ("", *words)
    return tuple(_without_value(word, previous) for previous, word in zip(before, words, strict=False))


def _without_value(word: str, previous: str) -> str:
    if previous == "--var" or word.startswith("--var="):
        name = word.removeprefix("--var=").partition("=")[0]
        return f"{'--var=' if word.startswith('--var=') else ''}{name}=VALUE"
    return word
