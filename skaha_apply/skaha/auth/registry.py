"""The login of an image registry, which the server needs for private images."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import UsageError
from skaha_apply.skaha.auth.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

OWN = {"username": "SKAHA_REGISTRY_USERNAME", "secret": "SKAHA_REGISTRY_SECRET", "url": "SKAHA_REGISTRY_HOST"}
CLIENTS = {
    "username": "CANFAR_REGISTRY__USERNAME",
    "secret": "CANFAR_REGISTRY__SECRET",
    "url": "CANFAR_REGISTRY__URL",
}
_NEEDED = ("username", "secret")
# Texts of the server: SkahaAction, ImageRepositoryAuth.
_NOT_SENT = "No authentication provided for unknown or private image"
_NOT_READ = "Must be in form of username:secret"


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """The login of an image registry; `host` is "" for the registries that the server trusts (/repository)."""

    host: str
    username: str
    secret: Secret
    source: str = ""

    def holds(self, image: str, trusted: Iterable[str] = ()) -> bool:
        """Whether an image is in this registry; `trusted` are the registries that the server trusts."""
        hosts = [self.host] if self.host else map(host_of, trusted)
        return image.split("/", 1)[0].lower() in {host.lower() for host in hosts if host}

    @property
    def header(self) -> str:
        """The value of the header `x-skaha-registry-auth`."""
        return base64.b64encode(f"{self.username}:{self.secret.reveal()}".encode()).decode("ascii")

    @property
    def secrets(self) -> tuple[str, str]:
        """The texts to mask."""
        return self.secret.reveal(), self.header


class TrustedRegistries:
    """The registries that a server trusts; `known` is None before the first request."""

    def __init__(self) -> None:
        self.known: tuple[str, ...] | None = None
        self._asking = asyncio.Lock()

    async def ask(self, read: Callable[[], Awaitable[tuple[str, ...] | None]]) -> tuple[str, ...]:
        """The registries, read once; empty if the server does not list them. Raises the errors of `read`."""
        async with self._asking:
            if self.known is None:
                self.known = await read() or ()
            return self.known


def host_of(address: str) -> str:
    """The host and port of a registry, from a host or a URL."""
    text = address.strip()
    return urlsplit(text if "://" in text else f"https://{text}").netloc.rsplit("@", 1)[-1]


def find_registry(environ: Mapping[str, str], filed: RegistryLogin | None) -> RegistryLogin | None:
    """The login from the environment, else from the file of the client (`filed`); None without one.

    The variables of the client complete the login of its file, as in the client. Raises `UsageError` for a user name
    without a secret, or a secret without a user name.
    """
    own = _given(environ, OWN)
    if any(own[field] for field in _NEEDED):
        return _complete(own, OWN)
    given = _given(environ, CLIENTS)
    if not any(given.values()):
        return filed
    if filed is None and not any(given[field] for field in _NEEDED):
        return None
    known = {"username": filed.username, "secret": filed.secret.reveal(), "url": filed.host} if filed else {}
    return _complete({field: value or known.get(field, "") for field, value in given.items()}, CLIENTS)


def _given(environ: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str]:
    return {field: environ.get(name, "").strip() for field, name in names.items()}


def _complete(values: Mapping[str, str], names: Mapping[str, str]) -> RegistryLogin:
    for field in _NEEDED:
        if not values[field]:
            user, secret = (names[one] for one in _NEEDED)
            raise UsageError(
                f"the registry login is incomplete: {names[field]} is missing", hint=f"set both {user} and {secret}"
            )
    return RegistryLogin(host_of(values["url"]), values["username"], Secret(values["secret"]), names["username"])


def explain(text: str, login: RegistryLogin | None) -> str:
    """How the registry login caused a refusal of the server; "" if it did not."""
    if _NOT_SENT in text:
        if login is None:
            places = f"{OWN['username']} and {OWN['secret']}, in {CLIENTS['username']} and {CLIENTS['secret']}"
            return f"no registry login found in {places}, or as `registry` in ~/.canfar/config.yaml"
        where = login.host or "the registries of the server"
        return f"the registry login from {login.source} is for {where}, so it was not sent with this image"
    if _NOT_READ in text and login is not None and ":" in login.username + login.secret.reveal():
        return f"the registry login from {login.source} contains `:`, which the server does not accept"
    return ""
