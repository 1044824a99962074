"""The grid of an entry as one line: a character for each replica, in the order of the manifest.

If the screen has fewer columns than the entry has replicas, a character stands for several, and shows the worst group.
A terminal that is not UTF-8 gets ASCII characters in their place (`cli/output/outlet.py`).
"""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from skaha_apply.model.progress.summary import ProgressGroup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skaha_apply.render.run.entries import StyledRow

INDENT = 2  # columns before a strip
# The groups with their character and style, the worst first. Each character differs also without colors.
_CELLS: Mapping[ProgressGroup, tuple[str, str]] = {
    ProgressGroup.FAILED: ("X", "bold red"),
    ProgressGroup.OTHER: ("▚", "bold yellow"),
    ProgressGroup.BLOCKED: ("▄", "magenta"),
    ProgressGroup.RETRYING: ("▒", "yellow"),
    ProgressGroup.RUNNING: ("▓", "green"),
    ProgressGroup.QUEUED: ("░", "blue"),
    ProgressGroup.DONE: ("█", ""),
}
_RANK = {group: rank for rank, group in enumerate(_CELLS)}


def strip_row(groups: Sequence[ProgressGroup], width: int) -> StyledRow:
    """The strip of one entry in at most `width` columns."""
    room = max(width - INDENT, 1)
    cells = list(groups) if len(groups) <= room else _cells(groups, room)
    runs = ((_CELLS[group], len(list(same))) for group, same in groupby(cells))
    return ((" " * INDENT, ""), *((character * count, style) for (character, style), count in runs))


def _cells(groups: Sequence[ProgressGroup], room: int) -> list[ProgressGroup]:
    """The worst group of each of `room` parts, whose sizes differ by one at most."""
    ends = [len(groups) * number // room for number in range(room + 1)]
    return [min(set(groups[start:end]), key=_RANK.__getitem__) for start, end in pairwise(ends)]
