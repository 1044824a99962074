"""Splits the text of a manifest into tokens for its layout, including the comments."""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.source.nodes import NotYaml, parse_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Spot = tuple[int, int]  # line and column, from 0
Shape = Literal["scalar", "alias", "sequence", "mapping"]
GAP = re.compile(r"(?P<comment>#.*)|(?P<property>[&!][^\s,\[\]{}]*)|(?P<mark>[-?:,\[\]{}])|(?P<space>[ \t\ufeff]+)")
MARKER = re.compile(r"(?:---|\.\.\.)(?=[ \t]|$)|%.*")
LINE_BREAK = re.compile(r"\r\n|\r|\n")


class UnsupportedYaml(Exception):
    """YAML that manifests do not need; `fmt` does not change its layout."""


@dataclass(slots=True, eq=False)
class LayoutNode:
    """A node as it is written; the children of a mapping are keys and values in turn. The end is exclusive."""

    shape: Shape
    start: Spot
    end: Spot
    flow: bool = False
    style: str = ""
    children: list[LayoutNode] = field(default_factory=list)

    @property
    def pairs(self) -> list[tuple[LayoutNode, LayoutNode]]:
        """Keys and values of a mapping."""
        return list(zip(self.children[::2], self.children[1::2], strict=True))

    @property
    def empty(self) -> bool:
        """Whether nothing is written."""
        return self.shape == "scalar" and not self.style and self.start == self.end


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text that stays as it is; `kind` is the punctuation itself, or what else it is.

    `gap` is what stands before it on its line, when that is white space. `key`: it is a key of a mapping
    by indentation.
    """

    kind: str
    text: str
    start: Spot
    end: Spot
    gap: str = ""
    key: bool = False
    style: str = ""


def parts(text: str) -> LayoutNode | None:
    """The only document of a text as it is written, None when there is none. Raises `NotYaml`."""
    root: LayoutNode | None = None
    open_parts: list[LayoutNode] = []
    for event in parse_events(text):
        kind = type(event).__name__
        if kind in ("MappingEndEvent", "SequenceEndEvent"):
            open_parts.pop().end = _spot(event.end_mark)
            continue
        part = _part(kind, event)
        if part is None:
            continue
        if open_parts:
            open_parts[-1].children.append(part)
        else:
            root = part
        if part.shape in ("mapping", "sequence"):
            open_parts.append(part)
    return root


def _part(kind: str, event: Any) -> LayoutNode | None:
    start, end = _spot(event.start_mark), _spot(event.end_mark)
    if kind == "ScalarEvent":
        return LayoutNode("scalar", start, end, style=event.style or "")
    if kind == "AliasEvent":
        return LayoutNode("alias", start, end)
    if kind in ("MappingStartEvent", "SequenceStartEvent"):
        shape: Shape = "mapping" if kind == "MappingStartEvent" else "sequence"
        return LayoutNode(shape, start, end, flow=bool(event.flow_style))
    return None


def _spot(mark: Any) -> Spot:
    return mark.line, mark.column


def leaves(part: LayoutNode, *, key: bool = False) -> Iterator[tuple[LayoutNode, bool]]:
    """Scalars and aliases in the order of the text, and whether each is a key of a mapping by indentation."""
    if part.shape in ("scalar", "alias"):
        yield part, key
    for index, child in enumerate(part.children):
        yield from leaves(child, key=part.shape == "mapping" and not part.flow and index % 2 == 0)


def tokens(lines: Sequence[str], root: LayoutNode | None) -> list[Token]:
    """Everything but white space, in order.

    Raises:
        UnsupportedYaml: for a text that is not a node, punctuation or a comment.
    """
    found: list[Token] = []
    spot: Spot = (0, 0)
    for part, key in leaves(root) if root is not None else ():
        if part.empty:
            continue
        found.extend(_between(lines, spot, part.start))
        found.append(_leaf(lines, part, key=key))
        spot = found[-1].end
    found.extend(_between(lines, spot, (len(lines), 0)))
    return found


def _leaf(lines: Sequence[str], part: LayoutNode, *, key: bool) -> Token:
    end = part.end
    if part.style in ("|", ">"):  # its end is where the next thing begins
        last = end[0] if end[1] and end[0] < len(lines) and lines[end[0]][: end[1]].strip() else end[0] - 1
        keeps = "+" in lines[part.start[0]][part.start[1] :].partition("#")[0]
        while not keeps and last > part.start[0] and not lines[last].strip(" "):
            last -= 1
        end = (last, len(lines[last]))
    (first, column), (last, stop) = part.start, end
    if first == last:
        text = lines[first][column:stop]
    else:
        text = "\n".join([lines[first][column:], *lines[first + 1 : last], lines[last][:stop]])
    before = lines[first][:column]
    gap = before[len(before.rstrip(" \t")) :]
    return Token(part.shape, text, part.start, end, gap, key, part.style)


def _between(lines: Sequence[str], start: Spot, end: Spot) -> Iterable[Token]:
    for number in range(start[0], min(end[0] + 1, len(lines))):
        column = start[1] if number == start[0] else 0
        stop = end[1] if number == end[0] else len(lines[number])
        gap = ""
        if column == 0 and (marker := MARKER.match(lines[number], 0, stop)):
            yield Token("marker", marker[0], (number, 0), (number, marker.end()))
            column = marker.end()
        while column < stop:
            match = GAP.match(lines[number], column, stop)
            if match is None:
                raise UnsupportedYaml(f"line {number + 1}")
            column = match.end()
            if match.lastgroup == "space":
                gap = match[0]
                continue
            kind = match[0] if match.lastgroup == "mark" else str(match.lastgroup)
            yield Token(kind, match[0], (number, match.start()), (number, column), gap)
            gap = ""


def comments(found: Iterable[Token]) -> list[str]:
    """The text of every comment."""
    return [token.text.rstrip() for token in found if token.kind == "comment"]


__all__ = ["LINE_BREAK", "LayoutNode", "NotYaml", "Spot", "Token", "UnsupportedYaml", "comments", "parts", "tokens"]
