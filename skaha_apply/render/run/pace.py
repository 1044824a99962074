"""The pace of a run as text: the share that is done, the rate, the elapsed and the expected time, and stragglers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.render.printable import one_line
from skaha_apply.render.times import rate_text, short_duration, short_time
from skaha_apply.render.wrapped_text import wrapped_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.status import EntrySummary, Pace
    from skaha_apply.render.run.entries import StyledRow

MOST_STRAGGLERS = 3  # lines
_INDENT = 2  # columns by which a line is continued
_NAMED = 2  # entries that a note names


def pace_text(pace: Pace, now: float | None = None, passed: float = 0.0) -> str:
    """`45% done, 12/min, 14 min so far, about 16 min left (until 01:07)`; "" before anything is accepted.

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
        until = "" if now is None else f" (until {short_time(now + pace.left, now)})"
        parts.append(f"about {short_duration(max(pace.left - passed, 0.0))} left{until}{_without(pace)}")
    return ", ".join(parts)


def straggler_lines(entries: Sequence[EntrySummary], passed: float = 0.0) -> list[str]:
    """A line for each of the replicas that run for more than 3 times the median, and one that counts the others."""
    found = [(name, ran, one.median or 0.0) for one in entries for name, ran in one.stragglers]
    found.sort(key=lambda one: -one[1])
    lines = [
        f"slow: {one_line(name)} has been running for {short_duration(ran + passed)} (median {short_duration(median)})"
        for name, ran, median in found[:MOST_STRAGGLERS]
    ]
    more = len(found) - MOST_STRAGGLERS
    return [*lines, f"slow: {more} more over 3 times the median"] if more > 0 else lines


def pace_rows(
    pace: Pace,
    entries: Sequence[EntrySummary],
    width: int | None = None,
    *,
    now: float | None = None,
    passed: float = 0.0,
) -> list[StyledRow]:
    """The pace and the stragglers as rows of a screen with `width` columns; see `pace_text`."""
    text = pace_text(pace, now, passed)
    styled = [(text, "bold")] if text else []
    styled += [(line, "bold yellow") for line in straggler_lines(entries, passed)]
    return [
        ((part, style),)
        for line, style in styled
        for part in ([line] if width is None else wrapped_lines(line, width, _INDENT))
    ]


def pace_document(pace: Pace) -> dict[str, Any]:
    """The pace as a JSON value; durations are seconds, the rate is replicas per hour."""
    return {
        "done": pace.done,
        "total": pace.total,
        "share": round(pace.done / pace.total, 4) if pace.total else None,
        "rate_per_hour": None if pace.rate is None else round(pace.rate * 3600, 3),
        "elapsed_s": None if pace.elapsed is None else round(pace.elapsed, 3),
        "left_s": None if pace.left is None else round(pace.left, 3),
        "not_estimated": list(pace.not_estimated),
    }


def _percent(pace: Pace) -> str:
    """The share in percent; 100% only if all are done."""
    return f"{int(100 * pace.done / pace.total)}%"


def _without(pace: Pace) -> str:
    """Which open entries the expected time leaves out."""
    if not pace.not_estimated:
        return ""
    names = ", ".join(one_line(name) for name in pace.not_estimated[:_NAMED])
    more = len(pace.not_estimated) - _NAMED
    return f" without {names}" + (f" and {more} more" if more > 0 else "")
