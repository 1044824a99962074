"""Who may read the page: the browser that used the token first, under a name that no other site can have.

Every user of this machine can reach the port, and so can every site that the browser shows. So a request needs a
secret, and its Host header must be a name of this machine. A site whose own name leads to 127.0.0.1 has another.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARAMETER = "token"
# `ssh -L` gives the page another port, so the port is not compared. No site can have one of these names.
_LOOPBACK = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
_SECRET_BYTES = 32


class Access:
    """The token of one server, and the cookie that it becomes.

    `through_proxy` states whether a proxy can stand before the server. The name of the proxy is then that of the first
    request that has the token.
    """

    def __init__(self, port: int, *, through_proxy: bool) -> None:
        self._token = secrets.token_urlsafe(_SECRET_BYTES)
        self.cookie_name = f"skaha-apply-ui-{port}"  # a browser sends a cookie to every port
        self._cookie = secrets.token_urlsafe(_SECRET_BYTES)
        self._is_token_used = False
        self._through_proxy = through_proxy
        self._proxy: str | None = None

    @property
    def query(self) -> str:
        """The query of the address to print."""
        return f"{_PARAMETER}={self._token}"

    def accepts_host(self, host: str, query: str) -> bool:
        """Whether a request can have this Host header."""
        if _LOOPBACK.fullmatch(host):
            return True
        if not self._through_proxy or not host:
            return False
        return host.lower() == self._proxy or (self._proxy is None and self._is_valid(query))

    def use_token(self, host: str, query: str) -> str | None:
        """The value of the cookie for the first request whose query has the token; None for any other request."""
        if not self._is_valid(query):
            return None
        self._is_token_used = True
        if not _LOOPBACK.fullmatch(host):
            self._proxy = host.lower()
        return self._cookie

    def knows(self, cookies: str) -> bool:
        """Whether a Cookie header has the cookie. Another cookie of the same name changes nothing."""
        return any(_is_same(value, self._cookie) for name, value in _pairs(cookies) if name == self.cookie_name)

    def _is_valid(self, query: str) -> bool:
        given = parse_qs(query, max_num_fields=_MOST_FIELDS).get(_PARAMETER, []) if _is_short(query) else []
        return len(given) == 1 and _is_same(given[0], self._token) and not self._is_token_used


_MOST_FIELDS = 16
_MOST_CHARACTERS = 2048


def _is_short(query: str) -> bool:
    return len(query) <= _MOST_CHARACTERS and query.count("&") < _MOST_FIELDS


def _is_same(given: str, secret: str) -> bool:
    """Compare in a time that does not depend on the first character that differs."""
    return secrets.compare_digest(given.encode("utf-8", "replace"), secret.encode())


def _pairs(cookies: str) -> Iterator[tuple[str, str]]:
    for pair in cookies.split(";"):
        name, _, value = pair.strip().partition("=")
        yield name, value
