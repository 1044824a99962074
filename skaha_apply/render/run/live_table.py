"""Progress in a terminal: a block of rows that is drawn over itself, below scrolling lines.

Each frame is one write, and the cursor stays below the block. So a process that ends or is killed leaves a usable
terminal. The size of the terminal is read for each frame, so that the block fits after a resize.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

from skaha_apply.model.report import ActionEnded, CausesFound, Note, PassEnded, PassStarted, PhaseChanged
from skaha_apply.model.session import Phase
from skaha_apply.render.color import plain
from skaha_apply.render.printable import one_line, truncate
from skaha_apply.render.run.lines import SINGLE, event_line
from skaha_apply.render.run.project_progress import ProjectProgress
from skaha_apply.render.wrapped_text import wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skaha_apply.model.report import Event
    from skaha_apply.render.color import Paint
    from skaha_apply.render.run.entries import StyledRow

    Size = tuple[int, int]  # columns, lines

TICK = 1.0  # seconds between two frames without an event
ERRORS = 20  # failures of one pass that are printed above the table
_UP, _ERASE_LINE, _ERASE_BELOW = "\x1b[{}F", "\x1b[K", "\x1b[J"


class RowBlock(Protocol):
    """Rows that each frame replaces, below lines that stay."""

    def draw(self, rows: Callable[[int, int], Sequence[StyledRow]]) -> None:
        """Replace the rows with those that `rows(width, height)` returns."""
        ...

    def above(self, text: str) -> None:
        """Add lines above the rows; `draw` must follow."""
        ...

    def leave(self) -> None:
        """Keep the rows."""
        ...


class TerminalBlock:
    """Rows at the end of a terminal that each frame overwrites.

    Args:
        write: writes text to the terminal, unbuffered.
        size: returns the current columns and lines of the terminal.
        paint: adds color.
    """

    def __init__(self, write: Callable[[str], None], size: Callable[[], Size], paint: Paint = plain) -> None:
        self._write = write
        self._size = size
        self._paint = paint
        self._drawn: list[int] = []  # the widths of the rows that are on the screen

    def draw(self, rows: Callable[[int, int], Sequence[StyledRow]]) -> None:
        """Replace the block with the rows that `rows(width, height)` returns."""
        width, height = self._size()
        width, height = max(width - 1, 1), max(height - 1, 1)  # the last column and line would scroll
        shown = [_fitted(row, width) for row in rows(width, height)[:height]]
        lines = ["".join(self._paint(text, style) if style else text for text, style in row) for row in shown]
        self._write(self._back() + "".join(f"{one}{_ERASE_LINE}\n" for one in lines) + _ERASE_BELOW)
        self._drawn = [sum(len(text) for text, _ in row) for row in shown]

    def above(self, text: str) -> None:
        """Print lines above the block, wrapped between words; `draw` must follow."""
        erased = f"{self._back()}{_ERASE_BELOW}" if self._drawn else ""
        self._drawn = []
        self._write(erased + wrapped(text, max(self._size()[0], 1)))

    def leave(self) -> None:
        """Keep the shown rows on the screen, and draw the next block below them."""
        self._drawn = []

    def _back(self) -> str:
        """The code that moves to the first row; after a resize one row can take several lines."""
        columns = max(self._size()[0], 1)
        rows = sum(max(1, -(-length // columns)) for length in self._drawn)
        return _UP.format(rows) if rows else ""


class LiveTable:
    """A progress bar of actions, a table of entries, and reasons not to start; failures are printed above.

    Args:
        block: the rows of the terminal.
        paint: adds color to the lines above.
        clock: seconds, from any start.
        tick: seconds between two frames; 0 draws only at events.
        complete: completes the commands of reasons; see `not_started_rows`.
    """

    def __init__(
        self,
        block: RowBlock,
        paint: Paint = plain,
        clock: Callable[[], float] = time.monotonic,
        tick: float = TICK,
        complete: Callable[[str], str] = str,
    ) -> None:
        self._complete = complete
        self._block, self._paint, self._clock, self._tick = block, paint, clock, tick
        self._lock = threading.RLock()
        self._stop: threading.Event | None = None
        self._parts: dict[str, ProjectProgress] = {}

    def __call__(self, event: Event) -> None:
        """Show one event of an invocation with one project."""
        self.take("", event)

    def for_project(self, project: str) -> ProjectTable:
        """The view of one of several projects."""
        return ProjectTable(self, project)

    def take(self, project: str, event: Event) -> None:
        """Show one event of a project."""
        with self._lock:
            part = self._parts.setdefault(project, ProjectProgress(self._complete))
            match event:
                case PassStarted(total=total):
                    if total > SINGLE:  # the logs of failed replicas are read after these actions
                        self._show_failures(part, part.pending_failures.take())
                    part.started, part.ended, part.began = event if total else None, 0, self._clock()
                    part.failures = 0
                case ActionEnded():
                    part.ended += 1
                    if event.error is not None:
                        self._show_failures(part, [event])
                case PassEnded():
                    self._show_failures(part, part.pending_failures.take())
                    part.waiting, part.received, part.started, part.failures = event, self._clock(), None, 0
                    part.not_started, part.reasons = event.not_started, (0, [])
                    part.grid, part.strips = event.grid(), (0, {})
                case PhaseChanged(after=Phase.FAILED):
                    part.pending_failures.add(event)
                case CausesFound():
                    self._show_causes(part, event)
                case Note():
                    self.above(f"{event_line(event)}\n")
                case _:
                    return
            self._draw()

    def above(self, text: str) -> None:
        """Print lines above the block."""
        with self._lock:
            self._block.above(text)
            self._draw()

    def close(self, project: str | None = None) -> None:
        """Keep the block on the screen; the next event of another project draws a new block below it."""
        with self._lock:
            for part in self._parts.values():
                self._show_failures(part, part.pending_failures.take())
            if self._stop is not None:
                self._stop.set()
                self._stop = None
                self._block.draw(self._rows)
            self._block.leave()
            for name in list(self._parts) if project is None else [project]:
                self._parts.pop(name, None)

    def _show_causes(self, part: ProjectProgress, event: CausesFound) -> None:
        lines, others = part.pending_failures.explain(event)
        for line in lines:
            self.above(f"{self._paint(line, 'red')}\n")
        self._show_failures(part, others)

    def _show_failures(self, part: ProjectProgress, events: Sequence[ActionEnded | PhaseChanged]) -> None:
        for event in events:
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
    """The view of one project in a live table."""

    def __init__(self, board: LiveTable, project: str) -> None:
        self._board, self._project = board, project

    def __call__(self, event: Event) -> None:
        """Show one event."""
        self._board.take(self._project, event)

    def for_project(self, project: str) -> ProjectTable:
        """The view of another project."""
        return self._board.for_project(project)

    def close(self) -> None:
        """Keep the rows of the project on the screen, and stop drawing them."""
        self._board.close(self._project)


def _fitted(row: StyledRow, width: int) -> StyledRow:
    """The row, cut at the width of the screen."""
    parts, left = [], width
    for text, style in row:
        if left > 0 and text:
            parts.append((truncate(text, left), style))
            left -= len(parts[-1][0])
    return tuple(parts)
