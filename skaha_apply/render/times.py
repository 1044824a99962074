"""Times and durations as people read them; documents for programs have RFC 3339 and seconds."""

from __future__ import annotations

from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def short_duration(seconds: float) -> str:
    """A duration in at most two units: `45 s`, `14 min`, `3 h 05 min`, `2 d 04 h`."""
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR:02d} h"


def short_time(seconds: float, now: float) -> str:
    """Unix seconds in the time zone of this machine: `00:51`, on another day than `now` `11-27 00:51`."""
    at, today = (datetime.fromtimestamp(one, UTC).astimezone() for one in (seconds, now))
    if at.date() == today.date():
        return at.strftime("%H:%M")
    return at.strftime("%m-%d %H:%M" if at.year == today.year else "%Y-%m-%d")


def rfc3339(seconds: float | None) -> str | None:
    """Unix seconds as `2026-11-22T10:00:00Z`, to the second."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rate_text(per_second: float) -> str:
    """A rate in the unit that gives a readable number: `12/s`, `4.5/min`, `30/h`."""
    for unit, size in (("s", 1), ("min", _MINUTE)):
        if per_second * size >= 1:
            return f"{_number(per_second * size)}/{unit}"
    return f"{_number(per_second * _HOUR)}/h"


def hours_text(hours: float) -> str:
    """A number of core-hours: `1240`, `12.5`, `0.02`."""
    if hours >= 100:  # noqa: PLR2004 - three digits
        return f"{hours:.0f}"
    return f"{hours:.1f}" if hours >= 1 else f"{hours:.1g}" if hours else "0"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"  # noqa: PLR2004 - two digits
