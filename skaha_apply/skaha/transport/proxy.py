"""Find the proxy for a server, and its name for messages."""

from __future__ import annotations

import os
from typing import NamedTuple
from urllib.parse import urlsplit

from skaha_apply.skaha.address import is_loopback

_SCHEMES = ("https", "all")


class Proxy(NamedTuple):
    """A proxy: its URL, which can contain a password, and the setting that gives it."""

    url: str
    source: str

    @property
    def shown(self) -> str:
        """Host, port and setting, without a password: `proxy.example:3128 (from HTTPS_PROXY)`."""
        return f"{urlsplit(self.url).netloc.rpartition('@')[2]} (from {self.source})"


def find_proxy(base: str) -> Proxy | None:
    """The proxy for a base URL, from the environment or the settings of the system; None for a direct connection.

    Loopback and plain http never go through a proxy, because it would see the token.
    """
    parts = urlsplit(base)
    host = parts.hostname or ""
    if is_loopback(host) or parts.scheme != "https":
        return None
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - it imports 20 modules

    if proxy_bypass(host):
        return None
    proxies = getproxies()
    for scheme in _SCHEMES:
        if url := proxies.get(scheme):
            return Proxy(url if "://" in url else f"http://{url}", _source(scheme))
    return None


def _source(scheme: str) -> str:
    # Python prefers the lower-case name.
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper())
    return next((name for name in names if os.environ.get(name)), "the proxy settings of the system")
