"""Sensitive values never reach a screen, a report or a saved log: where text comes back, they are made unreadable."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MASK = "(sensitive)"
SHORTEST = 4  # characters; a shorter value would make ordinary text unreadable, and hides nothing


def masked(text: str, secrets: Mapping[str, str]) -> str:
    """A text with every sensitive value in it as `(sensitive)`.

    Also as the value stands in an address, a form or JSON, and line by line where it has several. Values of fewer than
    `SHORTEST` characters stay.
    """
    if not secrets or not text:
        return text
    pattern = _pattern(frozenset(secrets.values()))
    return pattern.sub(MASK, text) if pattern is not None else text


@lru_cache(maxsize=16)
def _pattern(values: frozenset[str]) -> re.Pattern[str] | None:
    """What matches any of the values; the longest first, for one may be part of another."""
    forms = {form for value in values for form in _forms(value)}
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile("|".join(map(re.escape, longest_first))) if longest_first else None


def _forms(value: str) -> Iterator[str]:
    for part in {value, value.strip(), *(line.strip() for line in value.splitlines())}:
        if len(part) >= SHORTEST:
            yield part
            yield quote(part, safe="")
            yield quote_plus(part)
            yield json.dumps(part)[1:-1]
            yield json.dumps(part, ensure_ascii=False)[1:-1]
