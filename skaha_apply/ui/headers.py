"""The headers of responses: nothing but the page's own script and style may run, and nothing is stored or embedded."""

from __future__ import annotations

NO_EMBEDDING = "frame-ancestors 'none'"
REFUSAL_POLICY = f"default-src 'none'; {NO_EMBEDDING}; base-uri 'none'; form-action 'none'"
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def page_policy(sources: str) -> str:
    """The Content-Security-Policy of the live page.

    Args:
        sources: what the page itself allows: its script and its style by their hashes [CSP Level 3, 6.7.3], and
            requests to its server.
    """
    return f"{sources}; {NO_EMBEDDING}"
