"""Spans of time as users write them: `10s`, `30m`, `12h`, `2d`, or plain seconds."""

from __future__ import annotations

import re

from skaha_apply.model.errors import UsageError

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = 366 * 86400
_FORM = re.compile(r"(\d+(?:\.\d+)?)([smhd]?)", re.ASCII)


def seconds(text: str) -> float:
    """The span in seconds; raises `UsageError` for anything that is no span, or one of more than a year."""
    form = _FORM.fullmatch(text.strip())
    if form is None:
        raise UsageError(f"{text!r} is no span of time: write 10s, 30m, 12h or 2d")
    span = float(form[1]) * _UNITS[form[2]]
    if span > _LONGEST:
        raise UsageError(f"{text!r} is more than a year")
    return span
