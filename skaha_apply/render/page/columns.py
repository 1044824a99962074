"""Values of many replicas as compact JSON: runs of equal values, and names without their common prefix."""

from __future__ import annotations

from itertools import groupby
from string import digits
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def column(values: Sequence[Any]) -> dict[str, list[Any]]:
    """`{"r": [value, count, ...]}` with the runs of equal values, or `{"v": [value, ...]}` if that is shorter."""
    runs: list[Any] = []
    for value, members in groupby(values):
        runs += [value, sum(1 for _ in members)]
        if len(runs) >= len(values):
            return {"v": list(values)}
    return {"r": runs}


def names_column(names: Sequence[str]) -> dict[str, Any]:
    """`{"p": prefix, "a": first, "n": count}` for numbered names, else `{"p": prefix, "v": [rest, ...]}`."""
    prefix = _common_prefix(min(names, default=""), max(names, default="")).rstrip(digits)
    rests = [name[len(prefix) :] for name in names]
    first = int(rests[0]) if rests and rests[0].isascii() and rests[0].isdigit() else None
    if first is not None and all(rest == str(first + place) for place, rest in enumerate(rests)):
        return {"p": prefix, "a": first, "n": len(rests)}
    return {"p": prefix, "v": rests}


def _common_prefix(one: str, other: str) -> str:
    """The beginning of both texts; the first and the last of sorted texts have that of all."""
    length = next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    return one[:length]
