"""Requests as values: method, path below the base, form body, and what a second sending would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from skaha_apply.model.field_roles import Parameter, field_roles, headless_only
from skaha_apply.skaha.transport.retry import Effect

if TYPE_CHECKING:
    from skaha_apply.model.request import CreateRequest
    from skaha_apply.model.session import Number
    from skaha_apply.skaha.auth.registry import RegistryLogin

# Without the charset the server reads the body as ISO-8859-1 [Tomcat 9].
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Call:
    """One request.

    `known_as` is the session id it is about. `limit` is how many bytes of an answer are read; `tail` says that of a
    longer one the end is what counts. `headers` may hold a registry's secret, so it has no part in the repr.
    """

    method: str
    path: str
    effect: Effect
    form: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    known_as: str = ""
    limit: int = 256 * MEBIBYTE
    tail: bool = False

    def __repr__(self) -> str:
        return f"<{self.method} /{self.path}>"


def read_call(path: str, known_as: str = "") -> Call:
    """A GET of `path`."""
    return Call("GET", path, Effect.READ, known_as=known_as)


def log_call(session_id: str, view: str) -> Call:
    """A GET of a session's `logs` or `events`."""
    return Call("GET", f"session/{session_id}?view={view}", Effect.READ, known_as=session_id, tail=True)


def delete_call(session_id: str) -> Call:
    """A DELETE of one session."""
    return Call("DELETE", f"session/{session_id}", Effect.SAME, limit=MEBIBYTE)


def renew_call(session_id: str) -> Call:
    """A renewal; without the Content-Type of a form the server reads no parameters at all [SyncInput]."""
    kind = (("content-type", FORM),)
    return Call("POST", f"session/{session_id}?action=renew", Effect.RENEWAL, form=b"", headers=kind, limit=MEBIBYTE)


def create_call(request: CreateRequest, registry: RegistryLogin | None = None, trusted: tuple[str, ...] = ()) -> Call:
    """A create. Parameters go as a form body: request line and headers above 8 KiB are refused (Tomcat).

    Args:
        request: what to create; cmd, args and env are left out for interactive kinds, which ignore them.
        registry: the login of an image registry; sent only when the image is there [ImageRepositoryAuth].
        trusted: the registries of the server, for a login that names no host.
    """
    headers = [("content-type", FORM)]
    if registry and registry.holds(request.image, trusted):
        headers.append(("x-skaha-registry-auth", registry.header))
    form = urlencode(create_parameters(request), errors="surrogatepass").encode("ascii")
    return Call("POST", "session", Effect.ANOTHER, form=form, headers=tuple(headers), limit=MEBIBYTE)


def create_parameters(request: CreateRequest) -> list[tuple[str, str]]:
    """Names and values of the form of a create, in the order in which `SessionSpec` declares the fields."""
    ignored = headless_only(type(request.spec)) if request.kind.interactive else frozenset()
    return [
        (role.parameter.name, text)
        for role in field_roles(type(request.spec)).values()
        if role.parameter and role.name not in ignored
        for text in _texts(getattr(request.spec, role.name), role.parameter)
    ]


def _texts(value: Any, parameter: Parameter) -> list[str]:
    """The values of one parameter: none for a value that is left out, one for each item of a mapping."""
    if isinstance(value, Mapping):
        return [f"{name}={text}" for name, text in value.items()]
    if isinstance(value, tuple):
        return [" ".join(value)] if value else []  # the server splits at single spaces
    if isinstance(value, bool):
        return [str(value).lower()]
    if isinstance(value, int | float):
        # An explicit 0 GPUs is refused by the stock options, which start at 1 [PostAction].
        return [] if parameter.omit_zero and not value else [_number(value)]
    return [] if value is None else [str(value)]


def _number(value: Number) -> str:
    return str(int(value)) if value == int(value) else format(Decimal(repr(value)), "f")
