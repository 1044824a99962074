"""Spans of time in words, as a manifest writes them."""

from __future__ import annotations

import math

_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


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
