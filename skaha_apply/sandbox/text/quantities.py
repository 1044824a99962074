"""Reads and writes numbers and times as the server does: decimal GB, CPU strings, times without zero seconds."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

_JAVA_NUMBER = re.compile(
    r"[-+]?(NaN|Infinity|(([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|0[xX][0-9a-fA-F]+[pP][-+]?[0-9]+)[fFdD]?)"
)
_JAVA_INT = re.compile(r"[-+]?\d{1,10}")
_MAX_INT = 2**31 - 1


def java_number(text: str) -> float:
    """Read `text` as `Double.parseDouble` does (also with blanks around it, `1e0`, `2d`); raises ValueError."""
    trimmed = text.strip(" \t\n\r\f\v")
    if not _JAVA_NUMBER.fullmatch(trimmed):
        raise ValueError(text)
    number = trimmed.rstrip("fFdD") if not trimmed.lstrip("+-").lower().startswith("0x") else trimmed
    if "x" in number.lower():
        return float.fromhex(number)
    return float(number.replace("Infinity", "inf"))


def java_int_part(number: float) -> int:
    """Convert a floating-point number to an int as Java does: toward zero, NaN to 0, limited to 32 bits."""
    if math.isnan(number):
        return 0
    return (
        max(-_MAX_INT - 1, min(_MAX_INT, int(number)))
        if math.isfinite(number)
        else int(math.copysign(_MAX_INT, number))
    )


def java_int(text: str) -> int:
    """Read `text` as `Integer.parseInt` does: no blanks, no fraction; raises ValueError."""
    if not _JAVA_INT.fullmatch(text) or abs(int(text)) > _MAX_INT:
        raise ValueError(text)
    return int(text)


def decimal_gb(gib: float) -> str:
    """Write GiB as decimal GB with two digits: 4 becomes "4.29" [ResourceQuantityFormatter]."""
    return f"{gib * 2**30 / 1e9:.2f}"


def cpu(cores: float) -> str:
    """Write cores: "2", but "0.100" and "2.500" for fractions [ResourceQuantityFormatter]."""
    milli = math.ceil(round(cores * 1000, 6))
    return str(milli // 1000) if milli % 1000 == 0 else f"{milli / 1000:.3f}"


def start_time(epoch: float) -> str:
    """Write a start time; zero seconds are left out [SessionBuilder]."""
    moment = datetime.fromtimestamp(int(epoch), UTC)
    return moment.strftime("%Y-%m-%dT%H:%MZ" if moment.second == 0 else "%Y-%m-%dT%H:%M:%SZ")


def expiry_time(epoch: float) -> str:
    """Write an expiry time, always with seconds [CommonUtils]."""
    return datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
