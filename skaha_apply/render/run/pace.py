"""The numbers of a summary as text and JSON: the share that is done, the rate, the expected end, core-hours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.render.printable import one_line
from skaha_apply.render.run.entries import median_text
from skaha_apply.render.times import hours_text, rate_text, rfc3339, short_duration, short_time
from skaha_apply.render.wrapped_text import wrapped_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skaha_apply.model.progress.summary import (
        CoreHours,
        EntrySummary,
        Pace,
        ProgressGroup,
        ProjectSummary,
        QueuePart,
    )
    from skaha_apply.render.run.entries import StyledRow

MOST_STRAGGLERS = 3  # lines
_INDENT = 2  # columns by which a line is continued
_NAMED = 2  # entries that a note names


def pace_text(pace: Pace, now: float | None = None, passed: float = 0.0) -> str:
    """`45% done, 12/min, 14 min so far, about 16 min left (until 01:07, between 01:04 and 01:15)`.

    It is "" before anything is accepted. If no replica of an open entry has ended, the end is not known, and the text
    has the least time that is left.

    Args:
        pace: the pace at an observation.
        now: the time of that observation in Unix seconds, None to leave the time of the end out.
        passed: the seconds since then.
    """
    if pace.elapsed is None or not pace.total:
        return ""
    is_over = pace.left is None and not pace.not_estimated
    parts = [f"{_percent(pace)} done"]
    parts += [rate_text(pace.rate)] if pace.rate else []
    parts.append(
        f"took {short_duration(pace.elapsed)}" if is_over else f"{short_duration(pace.elapsed + passed)} so far"
    )
    if pace.left is not None:
        parts.append(_left_text(pace, pace.left, now, passed))
    return ", ".join(parts)


def straggler_lines(entries: Sequence[EntrySummary], passed: float = 0.0) -> list[str]:
    """A line for each of the replicas that run for more than 3 times the median, and one that counts the others."""
    found = [(name, ran, median_text(one)) for one in entries for name, ran in one.stragglers]
    found.sort(key=lambda one: -one[1])
    lines = [
        f"slow: {one_line(name)} has been running for {short_duration(ran + passed)} (median {median})"
        for name, ran, median in found[:MOST_STRAGGLERS]
    ]
    more = len(found) - MOST_STRAGGLERS
    return [*lines, f"slow: {more} more over 3 times the median"] if more > 0 else lines


def core_hours_text(hours: CoreHours) -> str:
    """`12.5 core-hours used, 1.2 of them lost, about 30 to come`; "" if there is none."""
    if not hours.used and not hours.to_come:
        return ""
    parts = [f"{hours_text(hours.used)} core-hours used"]
    parts += [f"{hours_text(hours.lost)} of them lost"] if hours.lost else []
    parts += [f"{_about(hours.to_come_is_upper_bound)} {hours_text(hours.to_come)} to come"] if hours.to_come else []
    return ", ".join(parts)


def summary_rows(
    summary: ProjectSummary, width: int | None = None, *, shows_end: bool = True, passed: float = 0.0
) -> list[StyledRow]:
    """Pace, core-hours and stragglers as rows of a screen with `width` columns; see `pace_text`.

    Without `shows_end` the time of the end is left out, because the rows are drawn again each second.
    """
    text = pace_text(summary.pace, summary.at if shows_end else None, passed)
    styled = [(text, "bold")] if text else []
    styled += [(hours, "")] if (hours := core_hours_text(summary.core_hours)) else []
    styled += [(line, "bold yellow") for line in straggler_lines(summary.entries, passed)]
    return [
        ((part, style),)
        for line, style in styled
        for part in ([line] if width is None else wrapped_lines(line, width, _INDENT))
    ]


def summary_document(summary: ProjectSummary) -> dict[str, Any]:
    """The numbers of a project as JSON values by key; times are RFC 3339 in UTC."""
    end = summary.expected_end
    return {
        "progress": progress_document(summary.groups),
        "queue": progress_document(summary.queue),
        "pace": pace_document(summary.pace),
        "expected_end": None
        if end is None
        else {"at": rfc3339(end.at), "earliest": rfc3339(end.earliest), "latest": rfc3339(end.latest)},
        "not_before": rfc3339(summary.not_before),
        "core_hours": core_hours_document(summary.core_hours),
    }


def progress_document(groups: Mapping[ProgressGroup, int] | Mapping[QueuePart, int]) -> dict[str, int]:
    """The number of replicas in each group, or in each part of the queue, as a JSON value."""
    return {group.value: count for group, count in groups.items()}


def core_hours_document(hours: CoreHours) -> dict[str, float]:
    """Core-hours as a JSON value."""
    return {"used": round(hours.used, 4), "lost": round(hours.lost, 4), "to_come": round(hours.to_come, 4)}


def pace_document(pace: Pace) -> dict[str, Any]:
    """The pace as a JSON value; durations are seconds, the rate is replicas per hour."""
    return {
        "done": pace.done,
        "total": pace.total,
        "share": round(pace.done / pace.total, 4) if pace.total else None,
        "rate_per_hour": None if pace.rate is None else round(pace.rate * 3600, 3),
        "elapsed_s": None if pace.elapsed is None else round(pace.elapsed, 3),
        "left_s": None if pace.left is None else round(pace.left, 3),
        "left_is_upper_bound": pace.left_is_upper_bound,
        "not_estimated": list(pace.not_estimated),
    }


def _about(is_upper_bound: bool) -> str:  # noqa: FBT001 - the word for a number
    return "at most about" if is_upper_bound else "about"


def _percent(pace: Pace) -> str:
    """The share in percent; 100% only if all are done."""
    return f"{int(100 * pace.done / pace.total)}%"


def _left_text(pace: Pace, left: float, now: float | None, passed: float) -> str:
    """`about 16 min left (until 01:07)`, or `at least 16 min left (no replica of merge has ended)`."""
    time, rest = None if now is None else short_time(now + left, now), short_duration(max(left - passed, 0.0))
    if pace.not_estimated:
        before = "" if time is None or pace.left_is_upper_bound else f"not before {time}: "
        least = "time left not known" if pace.left_is_upper_bound else f"at least {rest} left"
        return f"{least} ({before}no replica of {_named(pace.not_estimated)} has ended)"
    return f"{_about(pace.left_is_upper_bound)} {rest} left" + (
        "" if now is None else f" (until {time}{_spread(pace, now)})"
    )


def _spread(pace: Pace, now: float) -> str:
    """The earliest and the latest end, if they are not in the same minute."""
    if pace.left_range is None:
        return ""
    earliest, latest = (short_time(now + left, now) for left in pace.left_range)
    return "" if earliest == latest else f", between {earliest} and {latest}"


def _named(entries: Sequence[str]) -> str:
    """The names of the first entries, and the number of the others."""
    names = ", ".join(one_line(name) for name in entries[:_NAMED])
    more = len(entries) - _NAMED
    return names + (f" and {more} more" if more > 0 else "")
