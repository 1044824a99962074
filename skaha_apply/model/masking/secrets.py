"""Sensitive values taken out of text that somebody else wrote: logs of sessions, answers of servers, tracebacks."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SENSITIVE = "(sensitive)"
_SHORT = 4  # characters below which a value is masked only where it stands alone, or it would riddle every text


def masked(text: str, secrets: Mapping[str, str]) -> str:
    """`text` with `(sensitive)` for each of the values of `secrets`, also where they are escaped as in a URL or JSON.

    Of a value of several lines each line is masked too. A value of less than four characters is masked where no letter
    or digit stands beside it.
    """
    if not secrets or not text:
        return text
    values = frozenset(secrets.values())
    # Finding texts one by one is a hundred times as fast as one pattern of them all, and mostly there is none.
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
    """The ways in which a value may stand in text."""
    for part in (value, *(line for line in value.splitlines() if len(line.strip()) >= _SHORT)):
        if part.strip():
            yield from (part, quote(part), quote(part, safe=""), quote_plus(part))
            yield from (json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1])


def _matcher(form: str) -> str:
    return re.escape(form) if len(form) >= _SHORT else rf"(?<!\w){re.escape(form)}(?!\w)"
