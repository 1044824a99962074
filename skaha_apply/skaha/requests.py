"""Requests as values: method, path below the base, form body, and what a second sending would do."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING
from urllib.parse import urlencode

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
    """Names and values of a create, in a fixed order; args are joined by single spaces, at which the server splits."""
    given: list[tuple[str, str | None]] = [
        ("name", request.name),
        ("image", request.image),
        ("type", str(request.kind)),
        ("cores", _number(request.cores)),
        ("ram", _number(request.ram)),
        # An explicit 0 is refused by the stock options, which start at 1 [PostAction].
        ("gpus", str(request.gpus) if request.gpus else None),
    ]
    if not request.kind.interactive:
        given += [("cmd", request.cmd), ("args", " ".join(request.args) if request.args else None)]
        given += [("env", f"{name}={value}") for name, value in request.env]
    return [(name, value) for name, value in given if value is not None]


def _number(value: Number | None) -> str | None:
    if value is None:
        return None
    return str(int(value)) if value == int(value) else format(Decimal(repr(value)), "f")
