"""The output of `status`: a row for each replica, or for large projects a row for each entry."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from skaha_apply.model.plan import ActionKind
from skaha_apply.model.session import Phase
from skaha_apply.planning.failure_cause import cause_key
from skaha_apply.render.color import plain
from skaha_apply.render.printable import one_line, truncate
from skaha_apply.render.reasons import reason_text
from skaha_apply.render.run.entries import entry_rows, not_started_rows, paint_rows, short_duration
from skaha_apply.render.run.failures import cause_line, causes_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.report import SharedCause
    from skaha_apply.model.status import ProjectStatus, ReplicaStatus
    from skaha_apply.render.color import Paint
    from skaha_apply.render.run.entries import StyledRow

STATUS_FORMAT = "1.3"
_STYLES = {
    Phase.RUNNING.value: "green",
    Phase.DONE.value: "dim",
    Phase.FAILED.value: "bold red",
    Phase.UNKNOWN.value: "bold yellow",
}
_QUIET = frozenset(kind.value for kind in ActionKind if kind.is_quiet)
_WIDTH = 60  # characters of one cell
_EVENT = 160  # characters of an event
LARGE = 20  # replicas of an entry, above which they are only counted
ATTENTION = 50  # shown replicas that need attention
HOLDS = 20  # rows with reasons not to start


def overview(
    found: ProjectStatus,
    attention: Sequence[ReplicaStatus],
    width: int | None = None,
    height: int | None = None,
) -> list[StyledRow]:
    """A project by entry: counts, reasons not to start, causes of failures, and the replicas that need attention.

    Failures with the same cause share one line, and have no row of their own.

    Args:
        found: the status of the project.
        attention: the replicas that need attention.
        width: columns of the screen, None for no limit.
        height: rows of the screen; None shows up to `ATTENTION` replicas.
    """
    not_started = not_started_rows(found.not_started, width)
    room = None if height is None else max(2, height - min(len(not_started) + len(attention), height // 2))
    rows = entry_rows(found.entries, width, room) + _most(not_started, HOLDS if height is None else height // 4)
    shared = [one for one in found.causes if one.count > 1]
    rows += _most([((f"{cause_line(one)}", "red"),) for one in shared], HOLDS if height is None else height // 4)
    attention = _without(attention, shared)
    left = ATTENTION if height is None else height - len(rows) - 1
    if attention and left > 0:
        table = table_rows(attention)
        rows += [table[0], *_most(table[1:], left)]
    return rows


def _without(rows: Sequence[ReplicaStatus], causes: Sequence[SharedCause]) -> Sequence[ReplicaStatus]:
    """The rows of replicas whose cause of failure is none of these."""
    shared = {cause_key(one.cause) for one in causes}
    return [row for row in rows if not row.cause or cause_key(row.cause) not in shared]


def _most(rows: list[StyledRow], most: int) -> list[StyledRow]:
    if len(rows) <= most:
        return rows
    kept = max(most - 1, 0)
    return [*rows[:kept], ((f"… and {len(rows) - kept} more; --all lists every replica", "dim"),)]


def status_text(rows: Sequence[ReplicaStatus], paint: Paint = plain) -> str:
    """A table of the replicas with a heading, and a newline at its end."""
    return "\n".join(paint_rows(table_rows(rows), paint)) + "\n"


def overview_text(found: ProjectStatus, attention: Sequence[ReplicaStatus], paint: Paint = plain) -> str:
    """The overview of a project as text, with a newline at its end."""
    return "\n".join(paint_rows(overview(found, attention), paint)) + "\n"


def is_large(found: ProjectStatus) -> bool:
    """Whether a row for each replica would be too long to read."""
    return any(entry.total > LARGE for entry in found.entries) or len(found.rows) > 2 * LARGE


def table_rows(rows: Sequence[ReplicaStatus]) -> list[StyledRow]:
    """A heading, and a row for each replica."""
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
    """The document of one invocation: of one project, or `{format_version, projects}` for several projects."""
    return documents[0] if len(documents) == 1 else {"format_version": STATUS_FORMAT, "projects": list(documents)}


def status_document(found: ProjectStatus, *, addresses: bool = True) -> dict[str, Any]:
    """A project as a JSON value: every replica and every entry. Times are RFC 3339 in UTC, durations are seconds.

    Without `addresses`, `connect_url` of each session is null.
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
                "ram": row.ram,
                "accepted": rfc3339(row.accepted),
                "started": rfc3339(row.started),
                "ended": rfc3339(row.ended),
                "action": row.action,
                "reason": reason_text(row.reason),
                "reason_code": row.reason.code.value,
                "event": row.event or None,
                "cause": row.cause or None,
                "connect_url": (row.connect_url or None) if addresses else None,
            }
            for row in found.rows
        ],
        "causes": causes_document(found.causes),
    }


def rfc3339(seconds: float | None) -> str | None:
    """Unix seconds as `2026-11-22T10:00:00Z`, to the second."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cells(row: ReplicaStatus) -> tuple[str, ...]:
    texts = (
        row.name,
        str(row.replica),
        row.phase,
        row.id or "-",
        _attempt(row),
        rfc3339(row.started) or "-",
        f"by {rfc3339(row.ended)}" if row.ended is not None else "-",
        _remark(row),
    )
    return (*(truncate(one_line(text), _WIDTH) for text in texts[:-1]), one_line(texts[-1]))


def _attempt(row: ReplicaStatus) -> str:
    """The number of the attempt; `2 of 3` if several are allowed; with the RAM that it requested if that can differ."""
    if not row.attempt:
        return "-"
    ram = "" if row.ram is None else f", {row.ram:g} GB"
    return f"{row.attempt} of {max(row.attempts, row.attempt)}{ram}" if row.attempts > 1 else f"{row.attempt}{ram}"


def _remark(row: ReplicaStatus) -> str:
    """The address of the session, or the action and reason of a plan if the phase does not imply them."""
    reason = reason_text(row.reason)
    if row.event and row.pending is not None:
        return f"pending for {short_duration(row.pending)}: {truncate(row.event, _EVENT)}"
    if row.action in _QUIET:
        if row.phase == Phase.RUNNING.value:
            return row.connect_url
        return "" if row.reason.code == row.phase and row.reason.also is None else reason
    if row.cause and row.cause not in reason:
        reason = f"{reason}: {row.cause}"
    return reason if row.action in (row.phase, ActionKind.FAILED.value) else f"{row.action}: {reason}"
