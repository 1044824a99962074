"""Base URLs: the forms that a user can write, the address for requests, and the key that a state is bound to."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from skaha_apply.model.errors import UsageError

DEFAULT_SERVER = "https://ws-uv.canfar.net/skaha/v1"
DEFAULT_VERSION = "v1"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_VERSION = re.compile(r"v\d+")
_ROUTES = frozenset({"session", "context", "image", "repository", "capabilities", "availability"})  # [web.xml]
_MALFORMED = "{source}: {text!r} is not the base URL of a Skaha server"
_EXPECTED = "write it like https://host/skaha or https://host/skaha/v1"


def base_url(text: str, source: str = "--server") -> str:
    """The base URL with the version and without a trailing slash.

    `https://host` and `https://host/skaha` stand for `https://host/skaha/v1`, as in both published clients and in the
    routes of the server [web.xml]. Plain http is for loopback only, because each request contains a credential. Raises
    `UsageError`, which names `source` and never repeats a user name or password of the URL.
    """
    parts, port = _split(text.strip(), source)
    host = (parts.hostname or "").lower()
    if parts.scheme == "http" and not is_loopback(host):
        raise UsageError(
            f"{source}: the tool sends no credential to {host} over plain http",
            hint="write the address with https://",
        )
    steps = [part for part in parts.path.split("/") if part] or ["skaha"]
    _refuse_route(parts, steps, source)
    path = "/".join(steps)
    if not _VERSION.fullmatch(path.rsplit("/", 1)[-1]):
        path = f"{path}/{DEFAULT_VERSION}"
    return f"{parts.scheme}://{_authority(host, port, parts.scheme)}/{path}"


def _split(text: str, source: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise UsageError(f"{source}: this is not the base URL of a Skaha server", hint=_EXPECTED) from None
    if "@" in parts.netloc:
        raise UsageError(
            f"{source}: the URL of a server must not contain a user name or password",
            hint="give the token in SKAHA_TOKEN, or the certificate in SKAHA_CERTIFICATE",
        )
    if parts.query or parts.fragment:
        raise UsageError(f"{source}: the URL of a server must not contain `?` or `#`", hint=_EXPECTED)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or re.search(r"[\s\x00-\x1f\\%]", text):
        raise UsageError(_MALFORMED.format(source=source, text=text), hint=_EXPECTED)
    return parts, port


def _refuse_route(parts: SplitResult, steps: list[str], source: str) -> None:
    """Raise `UsageError` for the address of a resource, such as `.../v1/session`."""
    version = next((at for at, step in enumerate(steps) if _VERSION.fullmatch(step)), None)
    route = next((at for at, step in enumerate(steps) if at and step.lower() in _ROUTES), None)
    end = version + 1 if version is not None else route
    if end is not None and end < len(steps):
        base = f"{parts.scheme}://{parts.netloc}/{'/'.join(steps[:end])}"
        raise UsageError(
            f"{source}: /{'/'.join(steps[end:])} is a resource of the server, not part of its base URL",
            hint=f"write {base}",
        )


def _authority(host: str, port: int | None, scheme: str) -> str:
    name = f"[{host}]" if ":" in host else host
    return name if port is None or port == _DEFAULT_PORTS[scheme] else f"{name}:{port}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: `localhost`, 127.0.0.0/8 or ::1."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def address_key(url: str) -> str:
    """The key that a state is bound to: host and path, on loopback without the port: `ws-uv.canfar.net/skaha/v1`."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    path = parts.path.strip("/")
    name = "localhost" if is_loopback(host) else _authority(host, parts.port, parts.scheme)
    return f"{name}/{path}" if path else name


def server_folder(url: str) -> str:
    """The host as a folder name that every file system accepts; `localhost` for loopback."""
    host = (urlsplit(url).hostname or "").lower()
    if is_loopback(host):
        return "localhost"
    return re.sub(r"[^a-z0-9.-]+", "-", host).strip(".-") or "server"


def same_server(one: str, other: str) -> bool:
    """Whether two base URLs mean the same server, in any version."""
    return _without_version(one) == _without_version(other)


def _without_version(url: str) -> tuple[str, int | None, str]:
    parts = urlsplit(url)
    path = parts.path.strip("/").split("/")
    if _VERSION.fullmatch(path[-1]):
        path = path[:-1]
    return ((parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(parts.scheme), "/".join(path))
