"""Comments that switch a lint rule off for one line of a manifest: `# skaha-apply: ignore[rule, rule]`."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from skaha_apply.model.diagnostics import Ignore, Location

if TYPE_CHECKING:
    from skaha_apply.manifest.source.nodes import Node

COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[ \t]*skaha-apply:[ \t]*ignore\[([^\]\r\n]*)\]", re.MULTILINE)


def ignores(text: str, root: Node, file: str) -> tuple[Ignore, ...]:
    """The rules that comments switch off: on their own line; for a comment alone, on the next line with content."""
    if "skaha-apply:" not in text:
        return ()
    found: list[Ignore] = []
    lines = re.split(r"\r\n|\r|\n", text)
    scalars = sorted((node.line, node.column, node.end_line, node.end_column) for node in _scalars(root))
    below = len(lines)  # the nearest line below that has more than a comment
    for number, line in reversed(list(enumerate(lines, start=1))):
        for match in COMMENT.finditer(line):
            if _within(scalars, number, match.start() + 1):
                continue
            target = number if line[: match.start()].strip() else below
            location = Location(file, number, match.start() + 1, number, match.end() + 1)
            found.extend(Ignore(rule.strip(), target, location) for rule in match[1].split(",") if rule.strip())
        if line.strip() and not line.lstrip().startswith("#"):
            below = number
    return tuple(sorted(found, key=lambda one: (one.location, one.rule)))


def _scalars(root: Node) -> list[Node]:
    found: list[Node] = []
    waiting, seen = [root], {id(root)}
    while waiting:
        node = waiting.pop()
        if node.shape == "scalar":
            found.append(node)
        for child in (*node.items, *(part for pair in node.pairs for part in pair)):
            if id(child) not in seen:
                seen.add(id(child))
                waiting.append(child)
    return found


def _within(scalars: list[tuple[int, int, int, int]], line: int, column: int) -> bool:
    """Whether a position is inside of a scalar: a quoted `#` begins no comment."""
    index = bisect_right(scalars, (line, column, 1 << 31, 1 << 31)) - 1
    return index >= 0 and scalars[index][2:] > (line, column)
