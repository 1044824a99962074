"""Progress in a notebook: the live table in one output that is updated in place, and that does not grow."""

from __future__ import annotations

import sys
import time
from collections import deque
from importlib import import_module
from typing import TYPE_CHECKING, Any

from skaha_apply.model.masking.inert_text import without_controls
from skaha_apply.model.report import PassEnded, PassStarted
from skaha_apply.render.notebook.styled_html import styled_html
from skaha_apply.render.run.lines import ProgressLines
from skaha_apply.render.run.live_table import LiveTable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skaha_apply.model.report import Event
    from skaha_apply.render.run.entries import StyledRow
    from skaha_apply.render.run.lines import ProgressView

    Rows = Callable[[int, int], Sequence[StyledRow]]
    Publish = Callable[[dict[str, str]], None]

WIDTH, HEIGHT = 100, 40  # characters and rows of the table
MOST_LINES = 20  # lines above the table that are kept: the failures
INTERVAL = 0.5  # seconds between two updates within a pass


def choose_view(mask: Callable[[str], str], *, display: bool | None) -> Callable[[], ProgressView] | None:
    """A function that makes the view of a method; None if nothing is shown.

    Args:
        mask: removes secrets from a text.
        display: True shows the progress, as lines on standard error outside a notebook. False shows nothing. None shows
            it in a notebook only.
    """
    publish = notebook_output() if display is not False else None
    if publish is not None:
        return lambda: NotebookProgress(NotebookBlock(publish, mask))
    if display:

        def print_line(line: str) -> None:
            sys.stderr.write(f"{without_controls(mask(line))}\n")

        return lambda: ProgressLines(print_line)
    return None


def notebook_output() -> Publish | None:
    """A function that shows texts by media type in one output of the current cell; None outside a notebook.

    IPython is not imported: code that runs in its kernel has imported it.
    """
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    if getattr(shell, "kernel", None) is None:
        return None
    outputs: list[Any] = []

    def publish(texts: dict[str, str]) -> None:
        display = import_module("IPython.display").display  # which mypy knows only where IPython is installed
        if outputs:
            outputs[0].update(texts, raw=True)
        else:
            outputs.append(display(texts, raw=True, display_id=True))

    return publish


class NotebookBlock:
    """Rows of a live table, and the last lines above them, as HTML and as text.

    Args:
        publish: replaces the shown texts.
        mask: removes secrets from a text.
        clock: seconds, from any start.
    """

    def __init__(
        self, publish: Publish, mask: Callable[[str], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._publish, self._mask, self._clock = publish, mask, clock
        self._lines: deque[str] = deque(maxlen=MOST_LINES)
        self._rows: Rows | None = None
        self._published = float("-inf")

    def draw(self, rows: Rows) -> None:
        """Show the rows that `rows(width, height)` returns, unless the last update is recent: then `flush` does."""
        self._rows = rows
        if self._clock() - self._published >= INTERVAL:
            self.flush()

    def above(self, text: str) -> None:
        """Keep lines above the table; `draw` must follow."""
        self._lines.extend(text.splitlines())

    def flush(self) -> None:
        """Show the rows now."""
        rows = [*(((line, ""),) for line in self._lines), *(self._rows(WIDTH, HEIGHT) if self._rows else ())]
        if not rows:
            return
        self._published = self._clock()
        cleaned = [[(without_controls(self._mask(text)), style) for text, style in row] for row in rows]
        plain = "\n".join("".join(text for text, _ in row).rstrip() for row in cleaned)
        html = "\n".join("".join(styled_html(text, style) for text, style in row) for row in cleaned)
        self._publish({"text/plain": plain, "text/html": f'<pre class="skaha-apply">{html}</pre>'})

    def leave(self) -> None:
        """Show the rows for the last time."""
        self.flush()


class NotebookProgress(LiveTable):
    """The live table of one method. The start and the end of a pass are always shown."""

    def __init__(self, block: NotebookBlock) -> None:
        super().__init__(block, tick=0)
        self._output = block

    def __call__(self, event: Event) -> None:
        """Show one event."""
        super().__call__(event)
        if isinstance(event, PassStarted | PassEnded):
            self._output.flush()
