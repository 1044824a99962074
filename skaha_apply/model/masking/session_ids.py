"""Masking of IDs and addresses of interactive sessions: everybody who knows such an ID can open the session.

The server starts an interactive session with its ID as the password (`JUPYTER_TOKEN`), and its address contains the ID.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN_URL = "(hidden)"
_BRIEF = 6  # characters; a shorter ID is replaced only as a whole word
# An ID of the stock server is one of 2^41. A digest of 16 bits leaves 2^25 of them, too many to try on a server. The
# digest has no salt: two digests of one ID with different salts would reveal 32 bits.
_DIGITS = 4
_HIDDEN = re.compile(rf"id-[0-9a-f]{{{_DIGITS}}}")


def is_hidden(session_id: str) -> bool:
    """Whether a text is the short digest of an ID, as a state in a public place has it."""
    return session_id.startswith("id-") and _HIDDEN.fullmatch(session_id) is not None


@lru_cache(maxsize=100_000)
def short_id(session_id: str) -> str:
    """`id-3f9c`: always the same for one session, and too short to find its ID; unchanged for such a digest."""
    return (
        session_id
        if is_hidden(session_id)
        else f"id-{hashlib.sha256(b'skaha-apply session ' + session_id.encode()).hexdigest()[:_DIGITS]}"
    )


def without_ids(text: str, ids: frozenset[str], urls: frozenset[str]) -> str:
    """`text` with a short digest for each of the IDs, and `(hidden)` for each of the addresses."""
    if not text or not (ids or urls):
        return text
    return _pattern(ids, urls).sub(lambda found: HIDDEN_URL if found[0] in urls else short_id(found[0]), text)


def log_label(attempt: int, session_id: str | None, *, interactive: bool) -> str:
    """The label in the file name of a saved log: `<attempt>-<id>`, with the short digest if it is interactive."""
    return f"{attempt}-{short_id(session_id) if interactive and session_id else session_id}"


@lru_cache(maxsize=16)
def _pattern(ids: frozenset[str], urls: frozenset[str]) -> re.Pattern[str]:
    texts = [*_longest_first(urls), *_longest_first(ids)]
    return re.compile("|".join(_matcher(text) for text in texts))


def _longest_first(texts: Iterable[str]) -> list[str]:
    return sorted(texts, key=lambda text: (-len(text), text))


def _matcher(text: str) -> str:
    exact = re.escape(text)
    return exact if len(text) >= _BRIEF else rf"(?<![A-Za-z0-9]){exact}(?![A-Za-z0-9])"


class KnownIds:
    """The IDs and addresses of interactive sessions that one connection has met."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._urls: set[str] = set()

    def identify(self, session_id: str, url: str = "") -> None:
        """Mask the ID and the address of a session from now on."""
        self._ids.add(session_id)
        if url:
            self._urls.add(url)

    def mask(self, text: str) -> str:
        """`text` without the known IDs and addresses."""
        return without_ids(text, frozenset(self._ids), frozenset(self._urls))
