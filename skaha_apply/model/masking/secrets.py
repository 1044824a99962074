"""Masking of sensitive values in text from outside: logs of sessions, responses of servers, tracebacks."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SENSITIVE = "(sensitive)"
_SHORT = 4  # characters; a shorter value is masked only as a whole word, because it occurs in many words


def masked(text: str, secrets: Mapping[str, str]) -> str:
    """`text` with `(sensitive)` in place of each value of `secrets`, also if it is escaped as in a URL or JSON.

    Each line of a multi-line value is masked too. A value of fewer than four characters is masked only if no letter or
    digit is next to it.
    """
    if not secrets or not text:
        return text
    values = frozenset(secrets.values())
    # Searching for each text is a hundred times as fast as one pattern of all texts, and most texts hold no value.
    if not any(form in text for form in _all_forms(values)):
        return text
    return _pattern(values).sub(SENSITIVE, text)


@lru_cache(maxsize=16)
def _all_forms(values: frozenset[str]) -> tuple[str, ...]:
    forms = {form for value in values for form in _forms(value)}
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


@lru_cache(maxsize=16)
def _pattern(values: frozenset[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(_matcher, _all_forms(values))))


def _forms(value: str) -> Iterable[str]:
    """The forms of a value in text."""
    for part in (value, *(line for line in value.splitlines() if len(line.strip()) >= _SHORT)):
        if part.strip():
            yield from (part, quote(part), quote(part, safe=""), quote_plus(part))
            yield from (json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1])


def _matcher(form: str) -> str:
    return re.escape(form) if len(form) >= _SHORT else rf"(?<!\w){re.escape(form)}(?!\w)"
