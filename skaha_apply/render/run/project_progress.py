"""The rows of one project in a live table: a bar of actions, the numbers, the entries, and the reasons not to start."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.render.printable import one_line, truncate
from skaha_apply.render.run.entries import Strips, entry_rows, not_started_rows
from skaha_apply.render.run.failures import PendingFailures
from skaha_apply.render.run.pace import summary_rows
from skaha_apply.render.run.strip import strip_row
from skaha_apply.render.times import short_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from skaha_apply.model.progress.summary import ProgressGroup
    from skaha_apply.model.report import NotStarted, PassEnded, PassStarted
    from skaha_apply.render.run.entries import StyledRow

_BAR = 24  # characters
_LEAST = 4  # rows that are kept for reasons not to start, if there are as many


@dataclass
class ProjectProgress:
    """What a live table shows of one project; times are seconds of the clock of the table.

    `complete` completes the commands of reasons; see `not_started_rows`.
    """

    complete: Callable[[str], str] = str
    started: PassStarted | None = None
    ended: int = 0
    failures: int = 0
    pending_failures: PendingFailures = field(default_factory=PendingFailures)
    began: float = 0.0
    received: float = 0.0
    waiting: PassEnded | None = None
    not_started: tuple[NotStarted, ...] = ()
    reasons: tuple[int, list[StyledRow]] = (0, [])
    grid: Mapping[str, Sequence[ProgressGroup]] = field(default_factory=dict)
    strips: tuple[int, Mapping[str, StyledRow]] = (0, {})

    @property
    def shows(self) -> bool:
        """Whether there is something to draw."""
        return self.started is not None or self.waiting is not None

    def rows(self, now: float, width: int, height: int) -> list[StyledRow]:
        """The progress bar, the entries, and the reasons not to start."""
        rows = [self._bar(self.started, now)] if self.started else []
        if self.waiting is None:
            return rows
        passed = now - self.received
        entries = [
            one if one.longest is None else replace(one, longest=one.longest + passed) for one in self.waiting.entries
        ]
        rows += summary_rows(self.waiting.summary, width, shows_end=False, passed=passed)
        not_started = self._reasons(width)
        room = max(height - len(rows) - min(len(not_started), _LEAST), 2)
        free = height - len(rows) - len(not_started) - min(len(entries) + 1, room)
        rows += entry_rows(entries, width, room, Strips(self._strips(width), free))
        left = height - len(rows)
        if len(not_started) > left > 0:
            not_started = [*not_started[: left - 1], ((f"… and {len(not_started) - left + 1} more", "dim"),)]
        return rows + not_started[: max(left, 0)]

    def _reasons(self, width: int) -> list[StyledRow]:
        """The reasons not to start, once for each pass and width: there can be one for each combination."""
        if self.reasons[0] != width:
            self.reasons = width, not_started_rows(self.not_started, width, self.complete)
        return self.reasons[1]

    def _strips(self, width: int) -> Mapping[str, StyledRow]:
        """The grids of the entries as rows, once for each pass and width."""
        if self.strips[0] != width:
            self.strips = width, {name: strip_row(groups, width) for name, groups in self.grid.items()}
        return self.strips[1]

    def _bar(self, started: PassStarted, now: float) -> StyledRow:
        took = now - self.began
        full = _BAR * min(self.ended, started.total) // started.total
        rate = f" {self.ended / took:.0f}/s" if took and self.ended / took >= 1 else ""
        about = f" {self.ended}/{started.total}{rate} {short_duration(took)}"
        name = f"{truncate(one_line(started.project), _BAR)}: "
        return ((name, ""), ("━" * full, "green"), ("─" * (_BAR - full), "dim"), (about, ""))
