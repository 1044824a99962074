"""The headers of responses: nothing but the page's own script and style may run, and nothing is stored or embedded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.datastructures import MutableHeaders

_NO_EMBEDDING = "frame-ancestors 'none'"
_REFUSAL_POLICY = f"default-src 'none'; {_NO_EMBEDDING}; base-uri 'none'; form-action 'none'"
_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def add_security(headers: MutableHeaders) -> None:
    """Add the headers of each response. A response without a policy gets one that allows nothing."""
    headers.update(_SECURITY)
    headers.setdefault("Content-Security-Policy", _REFUSAL_POLICY)


def page_policy(sources: str) -> str:
    """The Content-Security-Policy of the live page.

    Args:
        sources: what the page itself allows: its script and its style by their hashes [CSP Level 3, 6.7.3], and
            requests to its server.
    """
    return f"{sources}; {_NO_EMBEDDING}"
