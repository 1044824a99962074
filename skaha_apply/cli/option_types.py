"""The values of options: each function reads the text of an option and reports an error of that option."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import typer

from skaha_apply.model.durations import parse_duration
from skaha_apply.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

DURATION = "DURATION"  # 10s, 30m, 12h, 2d
MIN_INTERVAL = 0.05  # seconds


def duration(text: str) -> float:
    """A duration in seconds; 0 is allowed."""
    try:
        return parse_duration(text.strip(), allow_zero=True)
    except UsageError as error:
        raise typer.BadParameter(error.message) from None


def interval(text: str) -> float:
    """A duration in seconds of at least `MIN_INTERVAL`."""
    found = duration(text)
    if found < MIN_INTERVAL:
        raise typer.BadParameter(f"{text!r} is too short: write at least {MIN_INTERVAL:g}s, to spare the server")
    return found


def hours(text: str) -> float:
    """Core-hours: a number that is not negative and not `nan`."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not number >= 0:
        raise typer.BadParameter(f"{text!r} is not a number of core-hours: write a number of at least 0")
    return number


def pattern(text: str) -> str:
    """`NAME[/REPLICAS]`, checked."""
    from skaha_apply.planning.selection import matches  # noqa: PLC0415 - imported only if a name is given

    try:
        matches(text, text.partition("/")[0], 1)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if not text.partition("/")[0]:
        raise typer.BadParameter(f"the name is missing in {text!r}: write NAME or NAME/REPLICAS")
    return text


def assignment(text: str) -> str:
    """`NAME=VALUE`, checked. A message never repeats the value, which can be a secret."""
    name, equals, _ = text.partition("=")
    if not equals:
        raise typer.BadParameter("the value is missing: write NAME=VALUE")
    if not name.strip():
        raise typer.BadParameter("the name is missing: write NAME=VALUE")
    return text


def report_in(formats: type[StrEnum]) -> Callable[[str], str]:
    """A reader of `FORMAT=FILE` that accepts these formats."""

    def report_file(text: str) -> str:
        form, _, file = text.partition("=")
        if not file or form not in set(formats):
            raise typer.BadParameter(f"{text!r}: write FORMAT=FILE, where FORMAT is one of {', '.join(formats)}")
        return text

    return report_file
