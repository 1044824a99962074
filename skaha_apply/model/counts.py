"""Numbers with their noun, and lists of names that are cut, so that every message writes them in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def noun_for(count: float, singular: str, plural: str = "") -> str:
    """The noun that follows this number: `replica` after 1, else `replicas`, or `plural` if it is given."""
    return singular if count == 1 else plural or f"{singular}s"


def counted(count: int, singular: str, plural: str = "") -> str:
    """`1 replica`, `2 replicas`."""
    return f"{count} {noun_for(count, singular, plural)}"


def first_names(names: Sequence[str], most: int) -> str:
    """The first `most` names, and the number of the others: `a, b and 3 more`.

    Without a name the result is empty.
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
