"""Positions of texts in files, and the snippet of a line that a message shows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A range of text in a manifest; lines and columns count from 1, the end is exclusive.

    `file` is the path as the user would write it, or `-` for standard input.
    """

    file: str
    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


SNIPPET_WIDTH = 110  # characters of a line that a snippet shows


def snippet(line: str, location: Location) -> str:
    """The first line of a location, with carets below the text; a long line is cut around it.

    Control characters become a replacement character, tabs become one space.
    """
    first = max(location.column - 1, 0)
    last = location.end_column - 1 if location.end_line == location.line else len(line)
    last = min(max(last, first + 1), max(len(line), first + 1))
    cut = max(0, first - SNIPPET_WIDTH // 2) if len(line) > SNIPPET_WIDTH else 0
    shown = "".join(
        " " if char == "\t" else char if char.isprintable() else "\ufffd" for char in line[cut : cut + SNIPPET_WIDTH]
    ).rstrip()
    carets = max(1, min(last - cut, SNIPPET_WIDTH) - (first - cut))
    return f"{shown}\n{' ' * (first - cut)}{'^' * carets}"
