"""Durations in manifests, options and messages: `10s`, `30m`, `12h`, `2d`, or a number of seconds.

This is the only parser of durations. Manifest and command line share its form and its limit.
"""

from __future__ import annotations

import math
import re
from datetime import UTC
from functools import lru_cache
from typing import TYPE_CHECKING

from skaha_apply.model.errors import UsageError

if TYPE_CHECKING:
    from skaha_apply.model.session import Number

_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_SECONDS = {"": 1, **dict(_UNITS)}
_FORM = re.compile(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)")
_MINUTE, _HOURS_OF_DAY = 60, 24
_SHORT, _SHORTEST = 120, 10  # seconds: a wait below them is shown in steps of 10 s, and of 1 s
MAX_DURATION = 999 * 86400  # seconds
MIN_INTERVAL = 0.05  # seconds
FORMS = "10s, 30m, 12h or 2d"


class DurationError(UsageError):
    """A text that is not a duration. `is_zero`: it is one, but zero means nothing here."""

    def __init__(self, message: str, *, is_zero: bool = False) -> None:
        super().__init__(message)
        self.is_zero = is_zero


def parse_duration(text: str, *, allow_zero: bool = False) -> Number:
    """The duration in seconds; a whole number of seconds without a unit is an int. Raises `DurationError`."""
    form = _FORM.fullmatch(text)
    if form is None:
        raise DurationError(f"{text!r} is not a duration: write {FORMS}")
    number = float(form[1])
    amount = int(number) if number.is_integer() else number
    return check_duration(amount * _SECONDS[form[2]], text, allow_zero=allow_zero)


def check_duration(seconds: Number, text: str, *, allow_zero: bool = False) -> Number:
    """The number of seconds, if it is within the limits. `text` is how the user wrote it. Raises `DurationError`."""
    if seconds < 0:
        raise DurationError(f"{text!r} is not a duration: write {FORMS}")
    if seconds > MAX_DURATION:
        raise DurationError(f"{text!r} is longer than 999d")
    if seconds == 0 and not allow_zero:
        raise DurationError(f"{text!r} must be more than 0", is_zero=True)
    return seconds


def check_interval(seconds: float, given: object) -> float:
    """The seconds between two passes, if they are not too short. `given` is what the user wrote.

    Raises:
        UsageError: less than `MIN_INTERVAL`.
    """
    if not seconds >= MIN_INTERVAL:
        raise UsageError(f"{given!r} is too short: write at least {MIN_INTERVAL:g}s, to spare the server")
    return seconds


def json_pattern() -> str:
    """A regular expression for JSON schemas: the texts that `parse_duration` accepts, without zero."""
    units = (f"(?:{_up_to(MAX_DURATION // size)}){unit}" for unit, size in _UNITS[:-1])
    return rf"^(?=.*[1-9])(?:{'|'.join(units)}|(?:{_up_to(MAX_DURATION)})s?)$"


def _up_to(limit: int) -> str:
    """A regular expression for the decimal numbers up to a limit."""
    digits = str(limit)
    below = [f"[0-9]{{1,{len(digits) - 1}}}"]
    for index, digit in enumerate(digits):
        if digit != "0":
            rest = len(digits) - index - 1
            lower = "0" if digit == "1" else f"[0-{int(digit) - 1}]"
            below.append(f"{digits[:index]}{lower}" + (f"[0-9]{{{rest}}}" if rest else ""))
    return rf"0*(?:(?:{'|'.join(below)})(?:\.[0-9]+)?|{digits}(?:\.0+)?)"


def format_exact(seconds: float) -> str:
    """The duration as a manifest would give it, in the largest unit of which it is a multiple: 5400 is `90m`."""
    for unit, size in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.15g}s"


def format_rounded(seconds: float) -> str:
    """A remaining duration, rounded up, so that the text does not change every second.

    17 s is `20s`, 100,000 s is `1d 4h`.
    """
    if seconds <= _SHORT:
        step = 10 if seconds > _SHORTEST else 1
        return f"{max(1, math.ceil(seconds / step)) * step}s"
    minutes = math.ceil(seconds / _MINUTE)
    hours = math.ceil(minutes / _MINUTE)
    days = hours // _HOURS_OF_DAY
    if minutes < _MINUTE:
        return f"{minutes}m"
    if days == 0:
        return f"{minutes // _MINUTE}h {minutes % _MINUTE}m" if minutes % _MINUTE else f"{minutes // _MINUTE}h"
    return f"{days}d {hours % _HOURS_OF_DAY}h" if hours % _HOURS_OF_DAY else f"{days}d"


@lru_cache(maxsize=16)
def http_date(text: str | None) -> float | None:
    """An HTTP date [RFC 9110, 5.6.7] as Unix seconds; None for anything else."""
    if not text:
        return None
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - a slow import, which only a server needs

    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
