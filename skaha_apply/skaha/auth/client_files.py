"""Read the servers and credentials from the configuration files of the two published clients.

Each file can have either shape: version 2 of canfar, or the contexts of skaha (and of version 1 of canfar). Unknown
keys and unexpected values are ignored, because these files belong to the clients.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.diagnostics import Location
from skaha_apply.model.errors import SkahaApplyError, UsageError
from skaha_apply.skaha.address import base_url
from skaha_apply.skaha.auth.registry import RegistryLogin, host_of
from skaha_apply.skaha.auth.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

# The server has no routes of v0 any more [web.xml], but files of skaha still name it.
_REMOVED_VERSION = "v0"
_PROCEED = "correct the file, or set SKAHA_URL and SKAHA_TOKEN, which come first"
_BUILT_IN = "canfar"  # the server that the client uses without a file [canfar.models.config.default_servers]
_SELECTS = ("active", "servers", "authentication", "contexts")


@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """A credential in a file: a token with its expiry (Unix seconds), or the path of a certificate.

    `refresh` is the refresh token of the client that wrote the file. Only that client may use it.
    """

    token: Secret | None = None
    expires: float | None = None
    certificate: str | None = None
    refresh: Secret | None = None


@dataclass(frozen=True, slots=True)
class ServerEntry:
    """A configured server: its name, its base URL with the version, and its credential."""

    name: str
    url: str
    record: CredentialRecord | None = None
    other_name: str = ""


@dataclass(frozen=True, slots=True)
class ClientConfiguration:
    """One file: its servers, the active server, the active credential, and a registry login.

    `unselected` states why there is no active server. It is "" if there is one, or if the file names no servers and no
    logins.
    """

    shown: str
    servers: tuple[ServerEntry, ...] = ()
    active: ServerEntry | None = None
    unselected: str = ""
    record: CredentialRecord | None = None
    registry: RegistryLogin | None = None

    def named(self, name: str) -> ServerEntry | None:
        """The server with that name, in upper or lower case."""
        wanted = name.casefold()
        return next(
            (entry for entry in self.servers if wanted in (entry.name.casefold(), entry.other_name.casefold())), None
        )


def read_configuration(path: Path, shown: str) -> ClientConfiguration | None:
    """The configuration in `path`; None if there is no such file.

    Raises `SkahaApplyError` with file and line for a file that cannot be read. The message does not repeat its text,
    which contains secrets. `shown` is the name of the file in messages.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SkahaApplyError(f"{shown} cannot be read: {error.strerror}", hint=_PROCEED) from None
    except UnicodeDecodeError:
        raise SkahaApplyError("this is not UTF-8 text", hint=_PROCEED, location=Location(shown)) from None
    document = _parse(text, shown)
    if document is None:
        return ClientConfiguration(shown)
    if not isinstance(document, dict):
        raise SkahaApplyError("a configuration is a mapping of keys to values", hint=_PROCEED, location=Location(shown))
    read = _read_contexts if "contexts" in document and "servers" not in document else _read_servers
    return read(document, shown)


def _parse(text: str, shown: str) -> Any:
    try:
        return YAML(typ="safe", pure=True).load(text)
    except DuplicateKeyError as error:
        raise _malformed(error, "a key is given twice", shown) from None
    except MarkedYAMLError as error:
        # A quoted part can be a part of a secret.
        problem = re.sub(r"['\"].*", "…", error.problem or "") or "it cannot be read"
        raise _malformed(error, problem, shown) from None
    except (YAMLError, RecursionError, ValueError):
        raise SkahaApplyError("this is not YAML", hint=_PROCEED, location=Location(shown)) from None


def _malformed(error: MarkedYAMLError, problem: str, shown: str) -> SkahaApplyError:
    mark = error.problem_mark or error.context_mark
    location = Location(shown, mark.line + 1, mark.column + 1) if mark else Location(shown)
    return SkahaApplyError(f"this is not YAML: {problem}", hint=_PROCEED, location=location)


def _read_servers(document: dict[str, Any], shown: str) -> ClientConfiguration:
    records = {str(name): _record(value) for name, value in _mapping(document.get("authentication")).items()}
    active = _mapping(document.get("active"))
    entries = []
    for name, value in _mapping(document.get("servers")).items():
        fields = _mapping(value)
        url = _url(fields, shown)
        if url:
            entries.append(ServerEntry(str(name), url, records.get(str(fields.get("idp")))))
    name = active.get("server")
    selected = next((entry for entry in entries if entry.name == name), None)
    built_in = name == _BUILT_IN and "servers" not in document
    return ClientConfiguration(
        shown,
        tuple(entries),
        selected,
        "" if selected or built_in else _unselected(document, name, "servers", shown),
        records.get(str(active.get("authentication"))),
        _registry(document, shown),
    )


def _unselected(document: dict[str, Any], name: Any, key: str, shown: str) -> str:
    """Why no server of a file is active; "" for a file without servers and logins."""
    if not any(part in document for part in _SELECTS):
        return ""
    if not isinstance(name, str) or not name.strip():
        return f"{shown} names no active server"
    if name in _mapping(document.get(key)):
        return f"{shown} gives no usable URL for its active server {name!r}"
    return f"{shown} names {name!r} as its active server, and has no server of that name"


def _read_contexts(document: dict[str, Any], shown: str) -> ClientConfiguration:
    active = document.get("active")
    entries = []
    for name, value in _mapping(document.get("contexts")).items():
        fields = _mapping(_mapping(value).get("server"))
        url = _url(fields, shown)
        if url:
            entries.append(ServerEntry(str(name), url, _record(value), str(fields.get("name") or "")))
    selected = next((entry for entry in entries if entry.name == active), None)
    return ClientConfiguration(
        shown,
        tuple(entries),
        selected,
        "" if selected else _unselected(document, active, "contexts", shown),
        _record(_mapping(document.get("contexts")).get(str(active))),
        _registry(document, shown),
    )


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _url(fields: dict[Any, Any], shown: str) -> str | None:
    url, version = fields.get("url"), fields.get("version")
    if not isinstance(url, str) or not url.strip():
        return None
    if isinstance(version, str) and version and version != _REMOVED_VERSION:
        url = f"{url.rstrip('/')}/{version}"
    try:
        read = base_url(url.strip(), shown)
    except UsageError:
        return None
    return read.removesuffix(_REMOVED_VERSION) + "v1" if read.endswith(f"/{_REMOVED_VERSION}") else read


def _record(value: Any) -> CredentialRecord | None:
    fields = _mapping(value)
    token, path, expiry = fields.get("token"), fields.get("path"), fields.get("expiry")
    refresh = token.get("refresh") if isinstance(token, dict) else None
    if isinstance(token, dict):
        token = token.get("access")
    if isinstance(expiry, dict):
        expiry = expiry.get("access")
    # The clients write 0 for an unknown expiry.
    expires = float(expiry) if isinstance(expiry, int | float) and expiry > 0 else None
    if isinstance(token, str) and token.strip() and str(fields.get("mode")).lower() != "x509":
        renewable = isinstance(refresh, str) and bool(refresh.strip())
        return CredentialRecord(
            token=Secret(token), expires=expires, refresh=Secret(str(refresh)) if renewable else None
        )
    if isinstance(path, str) and path.strip():
        return CredentialRecord(certificate=path.strip())
    return None


def _registry(document: dict[str, Any], shown: str) -> RegistryLogin | None:
    fields = _mapping(document.get("registry"))
    url, username, secret = (fields.get(key) for key in ("url", "username", "secret"))
    if not username or not secret:
        return None
    return RegistryLogin(host_of(str(url or "")), str(username), Secret(str(secret)), shown)
