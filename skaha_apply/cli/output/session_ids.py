"""IDs of interactive sessions that this invocation knows, and where they may appear.

Such an ID is the password of the session (JUPYTER_TOKEN), and its URL contains the ID (design 10.8).
"""

from __future__ import annotations

import os

from skaha_apply.model.masking.inert_text import is_automated

_ids: set[str] = set()
_urls: set[str] = set()
_shown: set[bool] = set()  # holds True with --show-ids


def identify(session_id: str, url: str = "") -> None:
    """Mask the ID and the URL of an interactive session from now on."""
    _ids.add(session_id)
    if url:
        _urls.add(url)


def show_ids() -> None:
    """Show IDs and URLs everywhere, for `--show-ids`. In a CI job they stay masked."""
    _shown.add(True)


def clear_ids() -> None:
    """Forget all sessions, because another invocation begins."""
    _ids.clear()
    _urls.clear()
    _shown.clear()


def are_shown(*, terminal: bool = False) -> bool:
    """Whether IDs and URLs can appear: in a terminal or with --show-ids, and never in a CI job."""
    return (terminal or bool(_shown)) and not is_automated(os.environ)


def mask_ids(text: str, *, terminal: bool = False) -> str:
    """The text with IDs and URLs masked, unless they can appear."""
    return text if are_shown(terminal=terminal) else hide_ids(text)


def hide_ids(text: str) -> str:
    """The text with IDs and URLs masked, also with --show-ids: for files that somebody publishes."""
    if not _ids:
        return text
    from skaha_apply.model.masking.session_ids import without_ids  # noqa: PLC0415 - most invocations have no ID

    return without_ids(text, frozenset(_ids), frozenset(_urls))
