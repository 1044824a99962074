"""Where every replica stands: aligned columns, or for large projects entries and what needs attention."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from skaha_apply.model.plan import ActionKind
from skaha_apply.model.session import Phase
from skaha_apply.render.color import plain
from skaha_apply.render.printable import one_line, truncate
from skaha_apply.render.reasons import reason_text
from skaha_apply.render.run.entries import brief, entry_rows, not_started_rows, painted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.reasons import Reason
    from skaha_apply.model.report import EntrySummary, NotStarted
    from skaha_apply.render.color import Paint
    from skaha_apply.render.run.entries import StyledRow

STATUS_FORMAT = "1.0"
_STYLES = {
    Phase.RUNNING.value: "green",
    Phase.DONE.value: "dim",
    Phase.FAILED.value: "bold red",
    Phase.UNKNOWN.value: "bold yellow",
}
_QUIET = frozenset(kind.value for kind in ActionKind if kind.is_quiet)
_WIDTH = 60  # characters of one cell
_EVENT = 160  # characters of an event
LARGE = 20  # replicas of an entry, beyond which they are counted
ATTENTION = 50  # replicas that need attention, and are shown
HOLDS = 20  # rows about what waits


class Row(Protocol):
    """Where one replica stands; times are Unix seconds by the server's clock, None where unknown."""

    @property
    def session(self) -> str:
        """Its name in the manifest."""
        ...

    @property
    def replica(self) -> int:
        """REPLICA_ID, from 1."""
        ...

    @property
    def name(self) -> str:
        """The live name."""
        ...

    @property
    def phase(self) -> str:
        """Where it stands."""
        ...

    @property
    def id(self) -> str | None:
        """Its last session."""
        ...

    @property
    def attempt(self) -> int:
        """How often it was tried."""
        ...

    @property
    def started(self) -> float | None:
        """When it started."""
        ...

    @property
    def ended(self) -> float | None:
        """When its end was first seen."""
        ...

    @property
    def action(self) -> str:
        """What a plan says of it."""
        ...

    @property
    def reason(self) -> Reason:
        """Why the plan says so."""
        ...

    @property
    def connect_url(self) -> str:
        """Where it can be opened."""
        ...

    @property
    def group(self) -> str:
        """The name of its entry in the manifest where that is a matrix."""
        ...

    @property
    def attempts(self) -> int:
        """How often it may be tried."""
        ...

    @property
    def accepted(self) -> float | None:
        """When the server accepted it."""
        ...

    @property
    def pending(self) -> float | None:
        """Seconds since then, while it is pending."""
        ...

    @property
    def event(self) -> str:
        """The last line of its events, when it has been pending for long."""
        ...


class Status(Protocol):
    """Where a project stands."""

    @property
    def project(self) -> str:
        """Its name."""
        ...

    @property
    def rows(self) -> Sequence[Row]:
        """Every replica."""
        ...

    @property
    def entries(self) -> Sequence[EntrySummary]:
        """Every entry of the manifest."""
        ...

    @property
    def not_started(self) -> Sequence[NotStarted]:
        """What waits, and why."""
        ...


def overview(
    found: Status,
    attention: Sequence[Row],
    width: int | None = None,
    height: int | None = None,
) -> list[StyledRow]:
    """A project by entry of its manifest: numbers, what waits and why, and the replicas that need attention.

    Args:
        found: where it stands.
        attention: its replicas that need attention.
        width: characters of the screen, None without limit.
        height: rows of the screen; None takes `ATTENTION` replicas.
    """
    not_started = not_started_rows(found.not_started, width)
    room = None if height is None else max(2, height - min(len(not_started) + len(attention), height // 2))
    rows = entry_rows(found.entries, width, room) + _most(not_started, HOLDS if height is None else height // 4)
    left = ATTENTION if height is None else height - len(rows) - 1
    if attention and left > 0:
        table = table_rows(attention)
        rows += [table[0], *_most(table[1:], left)]
    return rows


def _most(rows: list[StyledRow], most: int) -> list[StyledRow]:
    if len(rows) <= most:
        return rows
    kept = max(most - 1, 0)
    return [*rows[:kept], ((f"… and {len(rows) - kept} more; --all lists every replica", "dim"),)]


def status_text(rows: Sequence[Row], paint: Paint = plain) -> str:
    """The rows as a table with a heading, with a newline at its end."""
    return "\n".join(painted(table_rows(rows), paint)) + "\n"


def overview_text(found: Status, attention: Sequence[Row], paint: Paint = plain) -> str:
    """The overview of a project as text, with a newline at its end."""
    return "\n".join(painted(overview(found, attention), paint)) + "\n"


def is_large(found: Status) -> bool:
    """Whether a row for each replica would be too long to read."""
    return any(entry.total > LARGE for entry in found.entries) or len(found.rows) > 2 * LARGE


def table_rows(rows: Sequence[Row]) -> list[StyledRow]:
    """A row for each replica, below a heading."""
    cells: list[tuple[str, ...]] = [("NAME", "REPLICA", "PHASE", "ID", "ATTEMPT", "STARTED", "ENDED", "REMARK")]
    cells += [_cells(row) for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines: list[StyledRow] = []
    for number, row in enumerate(cells):
        style = "bold" if number == 0 else _STYLES.get(row[2], "")
        padded = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
        before, after = "  ".join(padded[:2]) + "  ", "  " + "  ".join(padded[3:]).rstrip()
        lines.append(((before, ""), (padded[2], style), (after, "")))
    return lines


def statuses_document(documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The document of one call: that of one project, or of several `{format_version, projects}`."""
    return documents[0] if len(documents) == 1 else {"format_version": STATUS_FORMAT, "projects": list(documents)}


def status_document(found: Status, *, addresses: bool = True) -> dict[str, Any]:
    """A project as a JSON value: every replica and every entry; times are RFC 3339 in UTC, spans seconds.

    Without `addresses`, that of each session is null.
    """
    return {
        "format_version": STATUS_FORMAT,
        "project": found.project,
        "entries": [
            {
                "name": one.name,
                "total": one.total,
                "counts": dict(one.counts),
                "longest_s": None if one.longest is None else round(one.longest, 3),
                "median_s": None if one.median is None else round(one.median, 3),
            }
            for one in found.entries
        ],
        "sessions": [
            {
                "session": row.session,
                "group": row.group or None,
                "name": row.name,
                "replica": row.replica,
                "phase": row.phase,
                "id": row.id,
                "attempt": row.attempt,
                "attempts": row.attempts,
                "accepted": moment(row.accepted),
                "started": moment(row.started),
                "ended": moment(row.ended),
                "action": row.action,
                "reason": reason_text(row.reason),
                "event": row.event or None,
                "connect_url": (row.connect_url or None) if addresses else None,
            }
            for row in found.rows
        ],
    }


def moment(seconds: float | None) -> str | None:
    """Unix seconds as `2026-11-22T10:00:00Z`, to the second."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cells(row: Row) -> tuple[str, ...]:
    texts = (
        row.name,
        str(row.replica),
        row.phase,
        row.id or "-",
        _attempt(row),
        moment(row.started) or "-",
        f"by {moment(row.ended)}" if row.ended is not None else "-",
        _remark(row),
    )
    return (*(truncate(one_line(text), _WIDTH) for text in texts[:-1]), one_line(texts[-1]))


def _attempt(row: Row) -> str:
    """Which attempt it is, `2 of 3` where there may be several."""
    if not row.attempt:
        return "-"
    return f"{row.attempt} of {max(row.attempts, row.attempt)}" if row.attempts > 1 else str(row.attempt)


def _remark(row: Row) -> str:
    """What is to be said of it: its address, or what a plan would do and why where the phase does not tell."""
    reason = reason_text(row.reason)
    if row.event and row.pending is not None:
        return f"pending for {brief(row.pending)}: {truncate(row.event, _EVENT)}"
    if row.action in _QUIET:
        if row.phase == Phase.RUNNING.value:
            return row.connect_url
        return "" if row.reason.code == row.phase and row.reason.also is None else reason
    return reason if row.action in (row.phase, ActionKind.FAILED.value) else f"{row.action}: {reason}"
