"""Dates as http headers write them."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime


def http_date(text: str | None) -> float | None:
    """An HTTP date [RFC 9110, 5.6.7] as Unix seconds; None for anything else."""
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
