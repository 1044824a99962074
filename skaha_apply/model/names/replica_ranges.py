"""Numbers of replicas as ranges: `1-37,39-100`."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Ranges = tuple[tuple[int, int], ...]  # the first and the last number of each range, sorted
_LARGEST = 1_000_000_000  # more than a number of a replica
_RANGES = re.compile(r"[1-9][0-9]{0,8}(-[1-9][0-9]{0,8})?(,[1-9][0-9]{0,8}(-[1-9][0-9]{0,8})?)*")


class RangeError(ValueError):
    """A text that is not a sorted list of ranges."""


def to_ranges(numbers: Iterable[int]) -> Ranges:
    """The ranges of different numbers in ascending order."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return tuple(found)


def ranges_text(ranges: Iterable[tuple[int, int]]) -> str:
    """The text of ranges, which `parse_ranges` reads."""
    return ",".join(f"{low}" if low == high else f"{low}-{high}" for low, high in ranges)


def parse_ranges(text: str) -> Ranges:
    """The ranges in a text; raises `RangeError` if it has another form, or its numbers do not ascend."""
    if not _RANGES.fullmatch(text):
        raise RangeError(f"{text[:40]!r} is not a list of ranges such as 1-37,39-100")
    found = []
    last = 0
    for part in text.split(","):
        first, _, end = part.partition("-")
        low, high = int(first), int(end or first)
        if not last < low <= high:
            raise RangeError(f"{part} does not follow {last}")
        found.append((low, high))
        last = high
    return tuple(found)


def count_of(ranges: Iterable[tuple[int, int]]) -> int:
    """The number of replicas in ranges."""
    return sum(high - low + 1 for low, high in ranges)


def has_replica(ranges: Sequence[tuple[int, int]], number: int) -> bool:
    """Whether a number is in one of the sorted ranges."""
    position = bisect_right(ranges, (number, _LARGEST)) - 1
    return position >= 0 and number <= ranges[position][1]


def outside(ranges: Sequence[tuple[int, int]], last: int) -> Iterator[int]:
    """The numbers from 1 to `last` that are in none of the sorted ranges."""
    begin = 1
    for low, high in ranges:
        yield from range(begin, min(low, last + 1))
        begin = high + 1
    yield from range(begin, last + 1)
