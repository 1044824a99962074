"""The keys of a manifest in their canonical order: whole lines move, each key with the comments above it."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from skaha_apply.manifest.fields.session_fields import CANONICAL
from skaha_apply.manifest.format.layout import STEP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.manifest.format.layout import LayoutLine
    from skaha_apply.manifest.format.tokens import LayoutNode

TOP = {
    "version": 0,
    "project": 1,
    "state": 2,
    "max_active": 3,
    "notify": 4,
    "moved": 5,
    "variables": 6,
    "defaults": 8,
    "sessions": 9,
}
OWN = 7  # rank of the keys that begin with x-
SESSION = {name: rank for rank, name in enumerate(("name", "<<", *CANONICAL[1:]))}


def reordered(lines: list[LayoutLine], source: Sequence[str], root: LayoutNode, *, top: bool) -> list[LayoutLine]:
    """The lines in canonical order; `top`: the keys at the top can move too."""
    if root.shape != "mapping" or root.flow:
        return lines
    ends = _end(lines, root, len(lines))
    for key, value in root.pairs:
        name = _name(key, source)
        if name == "defaults":
            _sort(lines, source, value, SESSION)
        elif name == "sessions" and value.shape == "sequence" and not value.flow:
            for session in value.children:
                _sort(lines, source, session, SESSION)
    if not top or not root.pairs:
        return lines
    starts = [root.pairs[0][0].start[0], *(_lead(lines, key.start, 0) for key, _ in root.pairs[1:])]
    ranks = [TOP.get(_name(key, source), OWN) for key, _ in root.pairs]
    chunks = _sorted(_chunks(lines, starts, ends), ranks)
    # Comments above the first key belong to the file, not to the key.
    return [*lines[: starts[0]], *(line for chunk in chunks for line in chunk), *lines[ends:]]


def _sort(lines: list[LayoutLine], source: Sequence[str], part: LayoutNode, ranks: dict[str, int]) -> None:
    """Sort the keys of one mapping that is written by indentation, in place."""
    if part.shape != "mapping" or part.flow:
        return
    keys = [key for key, _ in part.pairs]
    order = [ranks.get(_name(key, source), len(ranks)) for key in keys]
    if order == sorted(order):
        return
    first = keys[0].start[0]
    on_dash = lines[first].dash
    starts = [first if on_dash else _lead(lines, keys[0].start, 0)]
    starts += [_lead(lines, key.start, starts[0] + 1) for key in keys[1:]]
    end = _end(lines, part, len(lines))
    chunks = _chunks(lines, starts, end)
    if on_dash and lines[first].body.startswith("- - "):
        return
    if on_dash:
        _undash(lines[first])
    ordered = _sorted(chunks, order)
    for line in takewhile(lambda line: line.free and not line.body, ordered[0]):
        line.is_left_out = True
    if on_dash:
        _dash(ordered[0])
    lines[starts[0] : end] = [line for chunk in ordered for line in chunk]


def _undash(line: LayoutLine) -> None:
    line.body, line.indent, line.dash = line.body[2:], line.indent + STEP, False


def _dash(chunk: list[LayoutLine]) -> None:
    """Put the dash before the first key; comments above it go above the dash."""
    for line in chunk:
        line.indent -= STEP
        if not line.free:
            line.body, line.dash = f"- {line.body}", True
            return


def _sorted(chunks: Sequence[list[LayoutLine]], ranks: Sequence[int]) -> list[list[LayoutLine]]:
    return [chunk for _, chunk in sorted(zip(ranks, chunks, strict=True), key=lambda pair: pair[0])]


def _chunks(lines: Sequence[LayoutLine], starts: Sequence[int], end: int) -> list[list[LayoutLine]]:
    return [list(lines[start:stop]) for start, stop in zip(starts, [*starts[1:], end], strict=True)]


def _lead(lines: Sequence[LayoutLine], start: tuple[int, int], least: int) -> int:
    """The first of the comment and blank lines above a key that belong to it: those that stand no deeper."""
    number = start[0]
    while number > least:
        above = lines[number - 1]
        if not above.free or (above.body and above.column > start[1]):
            break
        number -= 1
    return number


def _end(lines: Sequence[LayoutLine], part: LayoutNode, end: int) -> int:
    """The line behind a mapping; comments at the end that stand less deep are not its own."""
    column = part.children[0].start[1] if part.children else 0
    number = _last(part) + 1
    while number < end and lines[number].within:
        number += 1
    while number < end and lines[number].free and (not lines[number].body or lines[number].column >= max(column, 1)):
        number += 1
    while number and not lines[number - 1].body and lines[number - 1].free:
        number -= 1
    return number


def _last(part: LayoutNode) -> int:
    """The last line with a piece of a part."""
    if part.shape in ("scalar", "alias") or part.flow:
        block = part.style in ("|", ">") and part.end[0] > part.start[0]
        return part.end[0] - 1 if block else part.end[0]
    return max((_last(child) for child in part.children), default=part.start[0])


def _name(key: LayoutNode, source: Sequence[str]) -> str:
    return source[key.start[0]][key.start[1] : key.end[1]].strip("'\"")
