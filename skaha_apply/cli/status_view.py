"""The views of `status`: JSON, text that is followed by changes, or a live table in a terminal."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from skaha_apply.cli.invocation import complete_reason, project_command
from skaha_apply.cli.output.session_ids import are_shown
from skaha_apply.cli.output.streams import Streams, size_of
from skaha_apply.model.report import PassEnded, PhaseChanged
from skaha_apply.render.printable import as_json, one_line
from skaha_apply.render.run.lines import ProgressLines
from skaha_apply.render.run.live_table import TerminalBlock
from skaha_apply.render.run.status import (
    is_large,
    overview,
    overview_text,
    replicas,
    replicas_text,
    status_document,
    statuses_document,
)
from skaha_apply.render.times import short_time
from skaha_apply.workflow.status import needing_attention

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.errors import SkahaApplyError
    from skaha_apply.model.status import ProjectStatus, ReplicaStatus
    from skaha_apply.render.run.entries import StyledRow


class View(Protocol):
    """Prints or draws the status at each refresh."""

    def show(self, found: tuple[ProjectStatus, ...]) -> None:
        """Print or draw one refresh."""
        ...

    def show_outage(self, error: SkahaApplyError) -> None:
        """Warn once that the server or the state is unavailable."""
        ...


def choose_view(streams: Streams, *, as_document: bool, every: bool, watched: bool) -> View:
    """The view for these options: `as_document` is JSON, `every` a row for each replica, `watched` refreshes."""
    if as_document:
        return JsonView(streams)
    if watched and streams.out_can_draw:
        return LiveView(streams, every=every)
    return ChangesView(streams, every=every)


class OutageNotice:
    """Reports an outage of the server or the state once, and its end once."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._has_outage = False

    def show_outage(self, error: SkahaApplyError) -> None:
        """Warn once."""
        if not self._has_outage:
            self._has_outage = True
            self._streams.message("warning", f"{error.message}; the command tries again at each refresh")

    def show_recovery(self) -> None:
        """Report the end of an outage once."""
        if self._has_outage:
            self._has_outage = False
            self._streams.notify_line("the server responds again")


class JsonView(OutageNotice):
    """JSON, printed if a replica has changed."""

    def __init__(self, streams: Streams) -> None:
        super().__init__(streams)
        self._last: Any = None

    def show(self, found: tuple[ProjectStatus, ...]) -> None:
        """Print the status if it differs from the last one in more than the time."""
        self.show_recovery()
        shown = are_shown(terminal=self._streams.out_is_terminal)
        documents = [status_document(one, addresses=shown) for one in found]
        replicas = [document["sessions"] for document in documents]
        if documents and replicas != self._last:
            self._streams.show_document(as_json(statuses_document(documents)))
        self._last = replicas


class ChangesView(OutageNotice):
    """Text: the whole status at first, then changes."""

    def __init__(self, streams: Streams, *, every: bool) -> None:
        super().__init__(streams)
        self._every = every
        self._rows_before: dict[tuple[str, str, int], ReplicaStatus] | None = None
        self._muted = True
        self._lines = ProgressLines(self._print, complete=complete_reason)

    def _print(self, text: str) -> None:
        if not self._muted:
            self._streams.show(f"{text}\n")

    def show(self, found: tuple[ProjectStatus, ...]) -> None:
        """Print the whole status at the first refresh, and only changes later."""
        self.show_recovery()
        rows = {(row.project, row.session, row.replica): row for one in found for row in one.rows}
        if self._rows_before is None and found:
            self._streams.show("\n".join(self._text(one, several=len(found) > 1) for one in found))
        for key, row in rows.items():
            before = self._rows_before.get(key) if self._rows_before is not None else row
            if before is None or before.phase != row.phase:
                self._lines(_change(row, before))
        for one in found:
            self._lines(PassEnded(one.project, one.summary, one.not_started))
        self._rows_before, self._muted = rows, False

    def _text(self, one: ProjectStatus, *, several: bool) -> str:
        paint = self._streams.out_paint
        heading = f"{paint(one_line(one.project), 'bold')}\n" if several else ""
        if self._every or not is_large(one):
            text = replicas_text(one, paint, self._streams.out_width, complete_reason)
        else:
            text = overview_text(one, needing_attention(one.rows), paint, self._streams.out_width, complete_reason)
        return heading + text + (f"  {project_command('apply')}\n" if one.changes else "")


class LiveView(OutageNotice):
    """A table in a terminal, redrawn at each refresh."""

    def __init__(self, streams: Streams, *, every: bool) -> None:
        super().__init__(streams)
        self._every = every
        self._block = TerminalBlock(streams.out.draw, lambda: size_of(streams.out), streams.out_paint)
        self._found: tuple[ProjectStatus, ...] = ()
        Streams.above = self._above

    def show(self, found: tuple[ProjectStatus, ...]) -> None:
        """Draw the status over the last one."""
        self.show_recovery()
        self._found = found
        self._block.draw(self._rows)

    def _above(self, text: str) -> None:
        self._block.above(text)
        if self._found:
            self._block.draw(self._rows)

    def _rows(self, width: int, height: int) -> list[StyledRow]:
        rows: list[StyledRow] = []
        for one in self._found:
            room = max(4, (height - len(rows)) // max(len(self._found), 1))
            rows.append(((f"{one_line(one.project)} at {short_time(one.at, one.at)}", "bold"),))
            rows += self._part(one, width, room - 1)
        return rows

    def _part(self, one: ProjectStatus, width: int, height: int) -> Iterable[StyledRow]:
        table = replicas(one, width, complete_reason)
        if self._every or (not is_large(one) and len(table) <= height):
            return table
        return overview(one, needing_attention(one.rows), width, height, complete_reason)


def _change(row: ReplicaStatus, before: ReplicaStatus | None) -> PhaseChanged:
    changed = partial(PhaseChanged, row.project, row.session, row.replica, row.name, row.id)
    return changed(before.phase if before else "new", row.phase, row.group, row.attempt)
