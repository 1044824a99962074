"""Compares the texts of sessions: the value in which they differ, and the template that is left."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.model.names.combination_names import slug

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WORD = re.compile(r"[A-Za-z0-9]")


def _common_start(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    size = next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    return first[:size]


def candidates(column: Sequence[str]) -> Iterable[list[str]]:
    """The parts in which the texts of a column differ: as whole words, then as few characters as possible."""
    for whole in (True, False):
        head = _common_start(column)
        if whole:
            while head and WORD.match(head[-1]) and any(WORD.match(text[len(head) : len(head) + 1]) for text in column):
                head = head[:-1]
        rests = [text[len(head) :] for text in column]
        tail = _common_start([rest[::-1] for rest in rests])[::-1]
        if whole:
            ends = [rest[: len(rest) - len(tail)] for rest in rests]
            while tail and WORD.match(tail[0]) and any(WORD.match(end[-1:]) for end in ends):
                tail = tail[1:]
        values = [rest[: len(rest) - len(tail)] if tail else rest for rest in rests]
        if all(values) and len(set(values)) == len(values):
            yield values


def fitted(
    columns: Sequence[Sequence[str]], varying: Sequence[int], values: Sequence[str], place: str
) -> list[str] | None:
    """The texts with `place` where the value stands; None if a text does not contain the value."""
    texts = [column[0] for column in columns]
    for index in varying:
        column = columns[index]
        here = values
        if index == 0:
            column, here = [text.lower() for text in column], [slug(value) for value in values]
        found = _fitted_column(column, here, place)
        if found is None:
            return None
        texts[index] = found
    return texts


def _fitted_column(column: Sequence[str], values: Sequence[str], place: str) -> str | None:
    replaced = {text.replace(value, place) for text, value in zip(column, values, strict=True)}
    if len(replaced) == 1 and place in (only := replaced.pop()):
        return only
    first, value = column[0], values[0]
    for match in re.finditer(f"(?={re.escape(value)})", first):
        head, tail = first[: match.start()], first[match.start() + len(value) :]
        if all(text == head + one + tail for text, one in zip(column, values, strict=True)):
            return head + place + tail
    return None
