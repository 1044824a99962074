"""The headers of responses: nothing but the page's own script and style may run, and nothing is stored or embedded."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

_NO_EMBEDDING = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
REFUSAL_POLICY = f"default-src 'none'; {_NO_EMBEDDING}"
# A script of another type is data, and the browser does not run it [HTML: prepare the script element].
_TYPES_THAT_RUN = {"", "module", "text/javascript", "application/javascript"}
SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def page_policy(html: str) -> str:
    """The Content-Security-Policy of a page: its scripts and styles by their hashes [CSP Level 3, 6.7.3]."""
    found = _InlineCode()
    found.feed(html)
    found.close()
    sources = [
        "default-src 'none'",
        _allowed("script-src", found.texts["script"]),
        _allowed("style-src", found.texts["style"]),
        "connect-src 'self'",
        "img-src data:",
        _NO_EMBEDDING,
    ]
    return "; ".join(sources)


def _allowed(directive: str, texts: list[str]) -> str:
    hashes = [f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in texts]
    return " ".join([directive, *(hashes or ["'none'"])])


class _InlineCode(HTMLParser):
    """Collects the text of each script that runs, and of each style."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self._open: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kind = (dict(attrs).get("type") or "").strip().lower() if tag == "script" else ""
        self._open = tag if tag in self.texts and kind in _TYPES_THAT_RUN else None
        if self._open is not None:
            self.texts[self._open].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.texts:
            self._open = None

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self.texts[self._open][-1] += data
