"""Brace expansion of bash: `{a,b}` and `{1..300}`, on the text of a word before anything else is expanded."""

from __future__ import annotations

import re

from skaha_apply.manifest.generate.scripts.shell.shell_tokens import skip_piece
from skaha_apply.model.errors import UsageError

RANGE = re.compile(r"(-?[0-9]+|[A-Za-z])\.\.(-?[0-9]+|[A-Za-z])(?:\.\.(-?[0-9]+))?\Z")
MOST = 100_000  # words of one brace expansion


def expand_braces(word: str) -> list[str]:
    """The words that a word with braces stands for; the word itself if it has none.

    Raises `UsageError` for more than 100,000 words.
    """
    at = 0
    while at < len(word):
        if word[at] == "{" and (found := _parts(word, at)):
            parts, end = found
            heads, tails = [word[:at]], expand_braces(word[end:])
            words = [
                head + one + tail for head in heads for part in parts for one in expand_braces(part) for tail in tails
            ]
            if len(words) > MOST:
                raise UsageError(f"braces of the script stand for more than {MOST:,} words")
            return words
        at = skip_piece(word, at)
    return [word]


def _parts(word: str, at: int) -> tuple[list[str], int] | None:
    """The alternatives of the brace at a place, and the place behind it; None for a brace that stays as it is."""
    depth, start, parts, index = 0, at + 1, [], at
    while index < len(word):
        char = word[index]
        depth += (char == "{") - (char == "}")
        if depth == 0:
            parts.append(word[start:index])
            break
        if char == "," and depth == 1:
            parts.append(word[start:index])
            start = index + 1
        index = index + 1 if char in "{}" else skip_piece(word, index)
    else:
        return None
    if len(parts) > 1:
        return parts, index + 1
    numbers = _range(parts[0])
    return (numbers, index + 1) if numbers else None


def _range(text: str) -> list[str]:
    match = RANGE.match(text)
    if match is None:
        return []
    first, last, given = match[1], match[2], match[3]
    digits = not first.isalpha()
    if digits == last.isalpha():
        return []
    start, stop = (int(first), int(last)) if digits else (ord(first), ord(last))
    step = abs(int(given or 1)) or 1
    if abs(stop - start) // step >= MOST:
        raise UsageError(f"braces of the script stand for more than {MOST:,} words")
    values = range(start, stop + 1, step) if stop >= start else range(start, stop - 1, -step)
    if not digits:
        return [chr(value) for value in values]
    padded = any(re.match(r"-?0[0-9]", one) for one in (first, last))
    width = max(len(first), len(last)) if padded else 0
    return [f"{value:0{width}d}" for value in values]
