"""The output of `status`: a row for each replica, or for large projects a row for each entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.model.plan import ActionKind
from skaha_apply.planning.failure_cause import cause_key
from skaha_apply.render.action_labels import all_counts
from skaha_apply.render.color import plain
from skaha_apply.render.reasons import reason_text
from skaha_apply.render.run.entries import Strips, entry_rows, not_started_rows, paint_rows
from skaha_apply.render.run.failures import cause_line, causes_document
from skaha_apply.render.run.pace import core_hours_document, progress_document, summary_document, summary_rows
from skaha_apply.render.run.peak_use import used_document
from skaha_apply.render.run.replica_table import table_rows
from skaha_apply.render.run.strip import strip_row
from skaha_apply.render.times import rfc3339
from skaha_apply.render.wrapped_text import wrapped_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skaha_apply.model.progress.summary import EntrySummary
    from skaha_apply.model.report import NotStarted, SharedCause
    from skaha_apply.model.status import ProjectStatus, ReplicaStatus
    from skaha_apply.render.color import Paint
    from skaha_apply.render.run.entries import StyledRow

STATUS_FORMAT = "1.6"
LARGE = 20  # replicas of an entry, above which they are only counted
ENTRIES = 30  # rows of entries, the busiest; the last row counts the others
ATTENTION = 50  # shown replicas that need attention
HOLDS = 20  # rows with reasons not to start


def overview(
    found: ProjectStatus,
    attention: Sequence[ReplicaStatus],
    width: int | None = None,
    height: int | None = None,
    complete: Callable[[str], str] = str,
) -> list[StyledRow]:
    """A project by entry: counts, reasons not to start, causes of failures, and the replicas that need attention.

    Failures with the same cause share one line, and have no row of their own.

    Args:
        found: the status of the project.
        attention: the replicas that need attention.
        width: columns of the screen, None for no limit.
        height: rows of the screen; None shows up to `ENTRIES` entries and `ATTENTION` replicas.
        complete: completes the commands of reasons; see `not_started_rows`.
    """
    not_started = not_started_rows(found.not_started, width, complete)
    numbers = summary_rows(found.summary, width) + _changes(found, width)
    room = ENTRIES + 1 if height is None else max(2, height - min(len(not_started) + len(attention), height // 2))
    others = len(not_started) + len(numbers) + len(found.causes) + len(attention) + 2  # the headings of both tables
    free = 0 if height is None else height - len(found.summary.entries) - others
    rows = entry_rows(found.summary.entries, width, room, _strips(found, width, free)) + numbers
    rows += _most(not_started, HOLDS if height is None else height // 4)
    shared = [one for one in found.causes if one.count > 1]
    rows += _most([((f"{cause_line(one)}", "red"),) for one in shared], HOLDS if height is None else height // 4)
    attention = _without(attention, shared, found.not_started)
    left = ATTENTION if height is None else height - len(rows) - 1
    if attention and left > 0:
        rows += _attention_rows(attention, found.at, left, width, complete)
    return rows


def _strips(found: ProjectStatus, width: int | None, free: int) -> Strips | None:
    """The grids of the entries, as far as rows are free on a screen; other output has none."""
    if width is None or free <= 0:
        return None
    return Strips({name: strip_row(groups, width) for name, groups in found.grid.items()}, free)


def _attention_rows(
    attention: Sequence[ReplicaStatus], now: float, most: int, width: int | None, complete: Callable[[str], str]
) -> list[StyledRow]:
    """A table of the first replicas that need attention, in `most` rows below the heading on a screen."""
    kept = attention if len(attention) <= most else attention[: most - 1]
    rows = table_rows(kept, now, width, complete)
    while width is not None and most != ATTENTION and len(rows) > most and len(kept) > 1:
        kept = kept[: max(1, min(len(kept) - 1, len(kept) * (most - 1) // len(rows)))]
        rows = table_rows(kept, now, width, complete)
    left = len(attention) - len(kept)
    return [*rows, ((f"… and {left} more; --all lists every replica", "dim"),)] if left else rows


def _without(
    rows: Sequence[ReplicaStatus], causes: Sequence[SharedCause], not_started: Sequence[NotStarted]
) -> Sequence[ReplicaStatus]:
    """The rows of replicas that no other row states: with a shared cause of failure, or a shared conflict."""
    shared = {cause_key(one.cause) for one in causes}
    conflicts = {one.reason for one in not_started if one.kind == ActionKind.CONFLICT.value and one.count > 1}
    return [
        row
        for row in rows
        if (not row.cause or cause_key(row.cause) not in shared)
        and not (row.action == ActionKind.CONFLICT.value and row.reason in conflicts)
    ]


def _most(rows: list[StyledRow], most: int) -> list[StyledRow]:
    if len(rows) <= most:
        return rows
    kept = max(most - 1, 0)
    return [*rows[:kept], ((f"… and {len(rows) - kept} more; --all lists every replica", "dim"),)]


def replicas(found: ProjectStatus, width: int | None = None, complete: Callable[[str], str] = str) -> list[StyledRow]:
    """A project by replica: a row for each, the pace, the stragglers, and what an apply would change."""
    table = table_rows(found.rows, found.at, width, complete)
    return table + summary_rows(found.summary, width) + _changes(found, width)


def changes_text(found: ProjectStatus) -> str:
    """`Changes to apply: 3 to create, 1 to delete.`; "" if it would change nothing now."""
    return f"Changes to apply: {all_counts(found.changes)}." if found.changes else ""


def _changes(found: ProjectStatus, width: int | None) -> list[StyledRow]:
    text = changes_text(found)
    return [((line, "bold"),) for line in ([text] if width is None else wrapped_lines(text, width, 2)) if line]


def replicas_text(
    found: ProjectStatus, paint: Paint = plain, width: int | None = None, complete: Callable[[str], str] = str
) -> str:
    """The replicas of a project as text, with a newline at its end."""
    return "\n".join(paint_rows(replicas(found, width, complete), paint)) + "\n"


def overview_text(
    found: ProjectStatus,
    attention: Sequence[ReplicaStatus],
    paint: Paint = plain,
    width: int | None = None,
    complete: Callable[[str], str] = str,
) -> str:
    """The overview of a project as text, with a newline at its end."""
    return "\n".join(paint_rows(overview(found, attention, width, None, complete), paint)) + "\n"


def is_large(found: ProjectStatus) -> bool:
    """Whether a row for each replica would be too long to read."""
    return any(entry.total > LARGE for entry in found.summary.entries) or len(found.rows) > 2 * LARGE


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
        "entries": [_entry_document(one) for one in found.summary.entries],
        "sessions": [_replica_document(row, addresses=addresses) for row in found.rows],
        "causes": causes_document(found.causes),
        "changes": dict(found.changes),
        "at": rfc3339(found.at),
        "offline": found.offline or None,
        **summary_document(found.summary),
    }


def _entry_document(one: EntrySummary) -> dict[str, Any]:
    return {
        "name": one.name,
        "total": one.total,
        "counts": dict(one.counts),
        "longest_s": _seconds(one.longest),
        "median_s": _seconds(one.median),
        "median_is_upper_bound": one.median_is_upper_bound,
        "left_s": _seconds(one.left),
        "stragglers": [{"name": name, "running_s": _seconds(ran)} for name, ran in one.stragglers],
        "progress": progress_document(one.groups),
        "queue": progress_document(one.queue),
        "core_hours": core_hours_document(one.core_hours),
    }


def _replica_document(row: ReplicaStatus, *, addresses: bool) -> dict[str, Any]:
    return {
        "session": row.session,
        "group": row.group or None,
        "name": row.name,
        "replica": row.replica,
        "phase": row.phase,
        "id": row.id,
        "attempt": row.attempt,
        "attempts": row.attempts,
        "ram": row.ram,
        "used": used_document(row.used),
        "accepted": rfc3339(row.accepted),
        "started": rfc3339(row.started),
        "ended": rfc3339(row.ended),
        "ended_after": rfc3339(row.ended_after),
        "action": row.action,
        "reason": reason_text(row.reason),
        "reason_code": row.reason.code.value,
        "event": row.event or None,
        "cause": row.cause or None,
        "connect_url": (row.connect_url or None) if addresses else None,
    }


def _seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
