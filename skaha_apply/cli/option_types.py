"""The texts of options as values; what is wrong with one is an error of its option."""

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
    """A span of time in seconds; what is none is an error of the option."""
    try:
        return parse_duration(text.strip(), allow_zero=True)
    except UsageError as error:
        raise typer.BadParameter(error.message) from None


def interval(text: str) -> float:
    """A span of time that is not zero, in seconds."""
    span = duration(text)
    if span < MIN_INTERVAL:
        raise typer.BadParameter(f"at least {MIN_INTERVAL:g}s, or the server is asked without a break")
    return span


def hours(text: str) -> float:
    """Core-hours: a number that is not negative and not `nan`."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not number >= 0:
        raise typer.BadParameter(f"{text!r} is no number of core-hours")
    return number


def pattern(text: str) -> str:
    """`NAME[/REPLICAS]`, checked."""
    from skaha_apply.planning.selection import matches  # noqa: PLC0415 - only a call that names something pays for it

    try:
        matches(text, text.partition("/")[0], 1)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if not text.partition("/")[0]:
        raise typer.BadParameter("the name is missing: write NAME or NAME/REPLICAS")
    return text


def assignment(text: str) -> str:
    """`NAME=VALUE`, checked. A message never repeats the value, which may be a secret."""
    name, equals, _ = text.partition("=")
    if not equals:
        raise typer.BadParameter("write NAME=VALUE")
    if not name.strip():
        raise typer.BadParameter("the name is missing: write NAME=VALUE")
    return text


def report_in(formats: type[StrEnum]) -> Callable[[str], str]:
    """`FORMAT=FILE` with one of these formats, checked."""

    def report_file(text: str) -> str:
        form, _, file = text.partition("=")
        if not file or form not in set(formats):
            raise typer.BadParameter(f"{text!r}: write FORMAT=FILE with one of {', '.join(formats)}")
        return text

    return report_file
