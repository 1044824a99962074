"""Where a server is: host, port and path in the form in which they are sent."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from skaha_apply.model.errors import UsageError

_PORTS = {"http": 80, "https": 443}
# Hosts and paths that need no encoding: most names, with labels of at most 63 characters, and the address of loopback.
_NAME = r"(?:[a-z0-9_-]{1,63}\.)*(?=[a-z0-9_-]*[a-z])[a-z0-9_-]{1,63}"
_PLAIN = re.compile(rf"https?://(?:127\.0\.0\.1|{_NAME})(?::[0-9]+)?(?:/[a-zA-Z0-9_~-][a-zA-Z0-9._~-]*)+")


class Origin(NamedTuple):
    """The parts of a base URL in ASCII. `port` is None for the default one."""

    scheme: str
    host: str
    port: int | None
    path: str

    @property
    def authority(self) -> str:
        """Host and port as in a header `Host`."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port is None else f"{name}:{self.port}"

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.authority}"

    @property
    def connects_to(self) -> int:
        """The port of a connection."""
        return self.port or _PORTS[self.scheme]


def read_origin(base: str) -> Origin:
    """The parts of a base URL; raises `UsageError` for an impossible host.

    httpx encodes other characters than ASCII, and those that a URL does not allow.
    """
    parts = urlsplit(base)
    try:
        if _PLAIN.fullmatch(base):
            return Origin(parts.scheme, parts.hostname or "", parts.port, parts.path)
        return _encoded(base)
    except UnicodeError:
        raise UsageError(f"{parts.hostname!r} cannot be the name of a host", hint="check --server") from None


def _encoded(base: str) -> Origin:
    from skaha_apply.lean_httpx import httpx  # noqa: PLC0415 - for few addresses

    try:
        url = httpx.URL(base)
    except httpx.InvalidURL as error:
        raise UnicodeError from error
    host = url.raw_host.decode("ascii")
    host.encode("idna")  # a name server can refuse a host that httpx accepts
    return Origin(url.scheme, host, url.port, url.raw_path.decode("ascii"))
