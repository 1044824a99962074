"""Lays out the lines of a manifest: two spaces for each level, one between tokens, at most one blank line.

No token moves to another line, so that a comment stays with its subject.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.format.tokens import UnsupportedYaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.manifest.format.tokens import Token

STEP = 2  # spaces of a level
COMMENT_GAP = 2  # spaces before a comment behind something, at least
OPENING, CLOSING = "[{", "]}"


@dataclass(slots=True)
class LayoutLine:
    """One line: `column` is where it began, `dash` whether it begins with a dash and more, `free` that it has no piece.

    `within`: it is inside a text and must not change. `is_left_out`: the formatter drops it.
    """

    indent: int
    body: str
    column: int = 0
    free: bool = False
    dash: bool = False
    within: bool = False
    is_left_out: bool = False

    def __str__(self) -> str:
        return f"{' ' * self.indent}{self.body}" if self.body else ""


@dataclass(frozen=True, slots=True)
class _Level:
    """A list or mapping by indentation: its old and its new column."""

    kind: str
    old: int
    new: int


@dataclass
class _Layout:
    source: Sequence[str]
    lines: list[LayoutLine] = field(default_factory=list)
    levels: list[_Level] = field(default_factory=list)
    depth: int = 0  # of brackets
    waiting: list[int] = field(default_factory=list)  # comment lines, until what follows them is known

    def open(self, kind: str, column: int) -> _Level:
        """The level of a dash or a key at a column; deeper ones are closed."""
        while self.levels and (
            self.levels[-1].old > column
            or (self.levels[-1].old == column and self.levels[-1].kind == "-" and kind != "-")
        ):
            self.levels.pop()
        top = self.levels[-1] if self.levels else None
        if top is None or top.old < column or top.kind != kind:
            self.levels.append(_Level(kind, column, top.new + STEP if top else 0))
        return self.levels[-1]

    @property
    def inner(self) -> int:
        """The column of a value that does not begin a level."""
        top = self.levels[-1] if self.levels else None
        return (top.new + STEP if top else 0) + STEP * self.depth


def lay_out(source: Sequence[str], tokens: Sequence[Token]) -> list[LayoutLine]:
    """Every line of the source, in the layout.

    Raises:
        UnsupportedYaml: for YAML that manifests do not need.
    """
    layout = _Layout(source)
    at: dict[int, list[Token]] = {}
    for token in tokens:
        at.setdefault(token.start[0], []).append(token)
    number = 0
    while number < len(source):
        found = at.get(number, [])
        if not found:
            layout.lines.append(LayoutLine(0, "", free=True))
            number += 1
        elif found[0].kind == "comment":
            _comment(layout, number, found[0])
            number += 1
        else:
            number = _pieces(layout, number, at)
    _settle(layout, None)
    return layout.lines


def _comment(layout: _Layout, number: int, token: Token) -> None:
    line = LayoutLine(layout.inner, token.text.rstrip(), token.start[1], free=True)
    layout.lines.append(line)
    if not layout.depth:
        layout.waiting.append(number)


def _settle(layout: _Layout, following: tuple[int, int] | None) -> None:
    """Place comments: with what follows, unless they stand deeper, which is below what comes before.

    `following` is the column of the next line with pieces, before and after; None at the end.
    """
    levels = layout.levels
    deeper = True
    for number in layout.waiting:
        line = layout.lines[number]
        deeper = deeper and (following is None or line.column > following[0])
        if not deeper and following is not None:
            line.indent = following[1]
        else:
            line.indent = max((level.new for level in levels if level.old <= line.column), default=0)
    layout.waiting.clear()


def _pieces(layout: _Layout, number: int, at: dict[int, list[Token]]) -> int:
    """Lay out a line with tokens, and the lines that its texts continue on; returns the number of the next line."""
    found = at[number]
    indent = _indent(layout, found)
    body, last = "", None
    index = 0
    line = LayoutLine(indent, "", found[0].start[1], dash=found[0].kind == "-" and len(found) > 1)
    layout.lines.append(line)
    while index < len(found):
        token = found[index]
        first, *rest = token.text.split("\n")
        body += _between(last, token) + first
        last = token
        _count(layout, token)
        index += 1
        if rest:
            line.body = body.rstrip() if token.style != '"' else body
            if token.style in ("|", ">"):
                _block(layout, rest)
                return token.end[0] + 1
            line = _folded(layout, rest, token)
            number, body = token.end[0], line.body
            found, index = at.get(number, []), 0
    line.body = body.rstrip(" \t")
    return number + 1


def _indent(layout: _Layout, found: Sequence[Token]) -> int:
    """Where a line begins; the levels that its dashes and its key open are opened."""
    first = found[0]
    if first.kind == "marker":
        if any(token.kind not in ("marker", "comment") for token in found):
            raise UnsupportedYaml("a document that begins on the line of its marker")
        _settle(layout, (0, 0))
        return 0
    if layout.depth:
        return layout.inner - (STEP if first.kind in CLOSING else 0)
    structure = []
    for token in found:
        if token.kind == "?":
            raise UnsupportedYaml("a key that begins with `? ` (a complex key of YAML)")
        if token.kind != "-" and not token.key:
            break
        structure.append(token)
        if token.key:
            break
    if not structure:
        _settle(layout, (first.start[1], layout.inner))
        return layout.inner
    before = layout.levels.copy()
    opened = [layout.open("-" if token.kind == "-" else "key", token.start[1]).new for token in structure]
    indent = opened[0]
    after, layout.levels = layout.levels, before
    _settle(layout, (first.start[1], indent))
    layout.levels = after
    return indent


def _count(layout: _Layout, token: Token) -> None:
    if token.kind in tuple(OPENING):
        layout.depth += 1
    elif token.kind in tuple(CLOSING):
        layout.depth -= 1


def _between(last: Token | None, token: Token) -> str:
    """The white space between two pieces of a line."""
    if last is None:
        return ""
    if token.kind == "comment":
        return token.gap if len(token.gap) >= COMMENT_GAP and "\t" not in token.gap else " " * COMMENT_GAP
    if token.kind in (",", "]", "}"):
        return " " if last.kind == ":" else ""
    if token.kind == ":":
        if last.kind in (",", "[", "{", ":", "-", "property"):
            raise UnsupportedYaml("an empty key")
        return " " if last.kind == "alias" else ""
    return "" if last.kind in ("[", "{") else " "


def _block(layout: _Layout, rest: Sequence[str]) -> None:
    """The lines of a text by indentation move together with what they belong to."""
    top = layout.levels[-1] if layout.levels else None
    shift = top.new - top.old if top else 0
    for text in rest:
        stripped = text.lstrip(" ")
        indent = max(0, len(text) - len(stripped) + shift) if text else 0
        layout.lines.append(LayoutLine(0, " " * indent + stripped, within=True))


def _folded(layout: _Layout, rest: Sequence[str], token: Token) -> LayoutLine:
    """The further lines of a text in quotes or without: their indentation means nothing. Gives the last one."""
    for text in rest:
        body = text.lstrip(" \t") if token.style == '"' else text.strip(" \t")
        layout.lines.append(LayoutLine(layout.inner, body, free=False, within=True))
    return layout.lines[-1]


def spaced(lines: Sequence[LayoutLine]) -> list[LayoutLine]:
    """At most one blank line in a row, none at the beginning and at the end; blank lines within a text stay."""
    kept: list[LayoutLine] = []
    for line in lines:
        if line.is_left_out:
            continue
        blank = not line.body and not line.within
        if blank and (not kept or (not kept[-1].body and not kept[-1].within)):
            continue
        kept.append(line)
    while kept and not kept[-1].body and not kept[-1].within:
        kept.pop()
    return kept
