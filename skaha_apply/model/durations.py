"""Durations as users write and read them: `10s`, `30m`, `12h`, `2d`, or plain seconds."""

from __future__ import annotations

import math
import re

from skaha_apply.model.errors import UsageError

_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_SECONDS = {"": 1, **dict(_UNITS)}
_LONGEST = 366 * 86400
_FORM = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)", re.ASCII)


def exact(seconds: float) -> str:
    """A span as a manifest would give it, in the largest unit of which it is a multiple: 5400 as `90m`."""
    for unit, size in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"


def rough(seconds: float) -> str:
    """A span that passes, rounded up so far that it reads the same for a while: 17 s as `20s`, 100,000 s as `1d 4h`."""
    if seconds <= 120:  # noqa: PLR2004 - two minutes are told in seconds
        step = 10 if seconds > 10 else 1  # noqa: PLR2004 - ten seconds are told as they are
        return f"{max(1, math.ceil(seconds / step)) * step}s"
    minutes = math.ceil(seconds / 60)
    hours, days = math.ceil(minutes / 60), math.ceil(minutes / 60) // 24
    if minutes < 60:  # noqa: PLR2004 - of an hour
        return f"{minutes}m"
    if days == 0:
        return f"{minutes // 60}h {minutes % 60}m" if minutes % 60 else f"{minutes // 60}h"
    return f"{days}d {hours % 24}h" if hours % 24 else f"{days}d"


def seconds(text: str) -> float:
    """The span in seconds; raises `UsageError` for anything that is no span, or one of more than a year."""
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise UsageError(f"{text!r} is no span of time: write 10s, 30m, 12h or 2d")
    span = float(form[1]) * _SECONDS[form[2]]
    if span > _LONGEST:
        raise UsageError(f"{text!r} is more than a year")
    return span
