"""What an apply shows in a terminal: a block that is drawn over itself, below the lines that scroll by.

The block is rows of known width, each frame is one write, and the cursor rests below it: nothing has to be given back
when the process ends, however it ends. Its size is asked for at each frame, so that it fits after a resize.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skaha_apply.model.report import ActionEnded, Note, PassEnded, PassStarted, PhaseChanged
from skaha_apply.model.session import Phase
from skaha_apply.render.color import plain
from skaha_apply.render.printable import one_line, truncate
from skaha_apply.render.run.entries import brief, entry_rows, not_started_rows
from skaha_apply.render.run.lines import ERRORS, event_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skaha_apply.model.report import Event
    from skaha_apply.render.color import Paint
    from skaha_apply.render.run.entries import StyledRow

    Size = tuple[int, int]  # columns, lines

TICK = 1.0  # seconds between two frames while nothing happens
_BAR = 24  # characters
_LEAST = 4  # rows that what waits is granted, where there are as many
_UP, _ERASE_LINE, _ERASE_BELOW = "\x1b[{}F", "\x1b[K", "\x1b[J"


class TerminalBlock:
    """Rows at the end of a terminal that are drawn over themselves.

    Args:
        write: takes text as it is, at once.
        size: columns and lines of the terminal now.
        paint: colours text.
    """

    def __init__(self, write: Callable[[str], None], size: Callable[[], Size], paint: Paint = plain) -> None:
        self._write = write
        self._size = size
        self._paint = paint
        self._drawn: list[int] = []  # the widths of the rows that are on the screen

    def draw(self, rows: Callable[[int, int], Sequence[StyledRow]]) -> None:
        """Show what `rows(width, height)` gives in place of what was shown."""
        width, height = self._size()
        width, height = max(width - 1, 1), max(height - 1, 1)  # the last column and line would scroll
        shown = [_fitted(row, width) for row in rows(width, height)[:height]]
        lines = ["".join(self._paint(text, style) if style else text for text, style in row) for row in shown]
        self._write(self._back() + "".join(f"{one}{_ERASE_LINE}\n" for one in lines) + _ERASE_BELOW)
        self._drawn = [sum(len(text) for text, _ in row) for row in shown]

    def above(self, text: str) -> None:
        """Lines that scroll by above the block; `draw` has to follow."""
        erased = f"{self._back()}{_ERASE_BELOW}" if self._drawn else ""
        self._drawn = []
        self._write(erased + text)

    def leave(self) -> None:
        """Let what is shown stand."""
        self._drawn = []

    def _back(self) -> str:
        """To the first column of the first row; in a terminal that became narrower each row may stand on several."""
        columns = max(self._size()[0], 1)
        rows = sum(max(1, -(-length // columns)) for length in self._drawn)
        return _UP.format(rows) if rows else ""


@dataclass
class _ProjectProgress:
    """What is known of one project; times are by the board's clock."""

    started: PassStarted | None = None
    ended: int = 0
    failures: int = 0
    began: float = 0.0
    received: float = 0.0
    waiting: PassEnded | None = None
    not_started: list[StyledRow] = field(default_factory=list)

    @property
    def shows(self) -> bool:
        """Whether there is something to draw of it."""
        return self.started is not None or self.waiting is not None

    def rows(self, now: float, width: int, height: int) -> list[StyledRow]:
        """Its bar, its entries, and what waits."""
        rows = [self._bar(self.started, now)] if self.started else []
        if self.waiting is None:
            return rows
        passed = now - self.received
        entries = [
            one if one.longest is None else replace(one, longest=one.longest + passed) for one in self.waiting.entries
        ]
        not_started = self.not_started
        room = height - len(rows) - min(len(not_started), _LEAST)
        rows += entry_rows(entries, width, max(room, 2))
        left = height - len(rows)
        if len(not_started) > left > 0:
            not_started = [*not_started[: left - 1], ((f"… and {len(not_started) - left + 1} more", "dim"),)]
        return rows + not_started[: max(left, 0)]

    def _bar(self, started: PassStarted, now: float) -> StyledRow:
        took = now - self.began
        full = _BAR * min(self.ended, started.total) // started.total
        rate = f" {self.ended / took:.0f}/s" if took and self.ended / took >= 1 else ""
        about = f" {self.ended}/{started.total}{rate} {brief(took)}"
        name = f"{truncate(one_line(started.project), _BAR)}: "
        return ((name, ""), ("━" * full, "green"), ("─" * (_BAR - full), "dim"), (about, ""))


class LiveTable:
    """Actions as a bar, entries as a table, and what waits and why; what went wrong scrolls by above.

    Args:
        block: where it is drawn.
        paint: colours the lines above.
        clock: seconds, for what has elapsed.
        tick: seconds between two frames; 0 draws at events only.
    """

    def __init__(
        self,
        block: TerminalBlock,
        paint: Paint = plain,
        clock: Callable[[], float] = time.monotonic,
        tick: float = TICK,
    ) -> None:
        self._block, self._paint, self._clock, self._tick = block, paint, clock, tick
        self._lock = threading.RLock()
        self._stop: threading.Event | None = None
        self._parts: dict[str, _ProjectProgress] = {}

    def __call__(self, event: Event) -> None:
        """Take one event of a call that is about one project."""
        self.take("", event)

    def for_project(self, project: str) -> ProjectTable:
        """The part of one project of several."""
        return ProjectTable(self, project)

    def take(self, project: str, event: Event) -> None:
        """Take one event of a project."""
        with self._lock:
            part = self._parts.setdefault(project, _ProjectProgress())
            match event:
                case PassStarted(total=total):
                    part.started, part.ended, part.began = event if total else None, 0, self._clock()
                    part.failures = 0
                case ActionEnded():
                    part.ended += 1
                    if event.error is not None:
                        self._show_failure(part, event)
                case PassEnded():
                    part.waiting, part.received, part.started, part.failures = event, self._clock(), None, 0
                    part.not_started = not_started_rows(event.not_started)  # once a pass: there may be one a tile
                case PhaseChanged(after=Phase.FAILED):
                    self._show_failure(part, event)
                case Note():
                    self.above(f"{event_line(event)}\n")
                case _:
                    return
            self._draw()

    def above(self, text: str) -> None:
        """Lines of others, above the block."""
        with self._lock:
            self._block.above(text)
            self._draw()

    def close(self, project: str | None = None) -> None:
        """Leave the block as it stands; what other projects show is drawn anew below it when they have news."""
        with self._lock:
            if self._stop is not None:
                self._stop.set()
                self._stop = None
                self._block.draw(self._rows)
            self._block.leave()
            for name in list(self._parts) if project is None else [project]:
                self._parts.pop(name, None)

    def _show_failure(self, part: _ProjectProgress, event: Event) -> None:
        part.failures += 1
        if part.failures <= ERRORS:
            self.above(f"{self._paint(event_line(event) or '', 'red')}\n")
        elif part.failures == ERRORS + 1:
            self.above(f"{self._paint('… and more; the report groups them', 'red')}\n")

    def _draw(self) -> None:
        if not any(part.shows for part in self._parts.values()):
            return
        self._block.draw(self._rows)
        if self._stop is None:
            self._stop = threading.Event()
            if self._tick:
                threading.Thread(target=self._redraw, args=(self._stop,), daemon=True).start()

    def _redraw(self, stop: threading.Event) -> None:
        while not stop.wait(self._tick):
            with self._lock:
                if not stop.is_set():
                    self._block.draw(self._rows)

    def _rows(self, width: int, height: int) -> list[StyledRow]:
        parts = [(name, part) for name, part in self._parts.items() if part.shows]
        rows: list[StyledRow] = []
        for place, (name, part) in enumerate(parts):
            room = (height - len(rows)) // (len(parts) - place)
            if len(parts) > 1 and part.waiting is not None:
                rows.append(((one_line(name), "bold"),))
                room -= 1
            rows += part.rows(self._clock(), width, room)
        return rows


class ProjectTable:
    """One project's part of a board."""

    def __init__(self, board: LiveTable, project: str) -> None:
        self._board, self._project = board, project

    def __call__(self, event: Event) -> None:
        """Take one event."""
        self._board.take(self._project, event)

    def for_project(self, project: str) -> ProjectTable:
        """That of another project."""
        return self._board.for_project(project)

    def close(self) -> None:
        """Let it stand, and draw it no more."""
        self._board.close(self._project)


def _fitted(row: StyledRow, width: int) -> StyledRow:
    """A row that is cut where the screen ends."""
    spans, left = [], width
    for text, style in row:
        if left > 0 and text:
            spans.append((truncate(text, left), style))
            left -= len(spans[-1][0])
    return tuple(spans)
