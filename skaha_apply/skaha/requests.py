"""Requests as values: method, path below the base URL, form body, and the effect of sending it twice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.spec import Parameter, field_roles, headless_only
from skaha_apply.skaha.transport.retry import Effect

if TYPE_CHECKING:
    from skaha_apply.model.request import CreateRequest
    from skaha_apply.model.session import Number
    from skaha_apply.skaha.auth.registry import RegistryLogin

# Without the charset the server reads the body as ISO-8859-1 [Tomcat 9].
FORM = "application/x-www-form-urlencoded; charset=UTF-8"
MEBIBYTE = 1 << 20
_SHORT = 256  # characters of a text whose encoded form is kept
_TO_ESCAPE = re.compile(r"[^A-Za-z0-9_.~-]")


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One request of the Skaha API.

    `session_id` is the ID of its session. At most `limit` bytes of a response are read; with `tail` only the end of a
    longer response is kept. `headers` can contain the secret of a registry, so the repr leaves it out.
    """

    method: str
    path: str
    effect: Effect
    form: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    session_id: str = ""
    limit: int = 256 * MEBIBYTE
    tail: bool = False

    def __repr__(self) -> str:
        return f"<{self.method} /{self.path}>"


def read_request(path: str, session_id: str = "") -> ApiRequest:
    """A GET of `path`."""
    return ApiRequest("GET", path, Effect.READ, session_id=session_id)


def log_request(session_id: str, view: str) -> ApiRequest:
    """A GET of a session's `logs` or `events`."""
    return ApiRequest("GET", f"session/{session_id}?view={view}", Effect.READ, session_id=session_id, tail=True)


def delete_request(session_id: str) -> ApiRequest:
    """A DELETE of one session."""
    return ApiRequest("DELETE", f"session/{session_id}", Effect.SAME, limit=MEBIBYTE)


def renewal_request(session_id: str) -> ApiRequest:
    """A renewal; without the Content-Type of a form the server reads no parameters at all [SyncInput]."""
    kind = (("content-type", FORM),)
    return ApiRequest(
        "POST", f"session/{session_id}?action=renew", Effect.RENEWAL, form=b"", headers=kind, limit=MEBIBYTE
    )


def session_request(
    request: CreateRequest, registry: RegistryLogin | None = None, trusted: tuple[str, ...] = ()
) -> ApiRequest:
    """A create. The parameters are a form body, because Tomcat refuses a request line and headers above 8 KiB.

    Args:
        request: the session; cmd, args and env are left out for interactive kinds, which ignore them.
        registry: the login of an image registry; sent only with an image of that registry [ImageRepositoryAuth].
        trusted: the registries of the server, for a login without a host.
    """
    headers = [("content-type", FORM)]
    if registry and registry.holds(request.image, trusted):
        headers.append(("x-skaha-registry-auth", registry.header))
    # The names of parameters are words, which need no escapes.
    form = "&".join([f"{name}={_quoted(text)}" for name, text in create_parameters(request)]).encode("ascii")
    return ApiRequest("POST", "session", Effect.ANOTHER, form=form, headers=tuple(headers), limit=MEBIBYTE)


def create_parameters(request: CreateRequest) -> list[tuple[str, str]]:
    """Names and values of the form of a create, in the order in which `SessionSpec` declares the fields."""
    spec = request.spec
    spec_type: Any = type(spec)
    return [
        (parameter.name, text)
        for name, parameter in _sent_fields(spec_type, request.kind.interactive)
        for text in _texts(getattr(spec, name), parameter)
    ]


@lru_cache(maxsize=4)
def _sent_fields(spec_type: Any, interactive: bool) -> tuple[tuple[str, Parameter], ...]:  # noqa: FBT001 - a key of the cache
    """The fields that a create sends, with their parameters."""
    ignored = headless_only(spec_type) if interactive else frozenset()
    roles = field_roles(spec_type).values()
    return tuple((role.name, role.parameter) for role in roles if role.parameter and role.name not in ignored)


def _texts(value: Any, parameter: Parameter) -> list[str]:
    """The values of one parameter: none for a value that is left out, one for each item of a mapping."""
    if value is None or isinstance(value, str):
        return [] if value is None else [str(value)]
    if isinstance(value, tuple):
        return [" ".join(value)] if value else []  # the server splits at single spaces
    if isinstance(value, bool):
        return [str(value).lower()]
    if isinstance(value, int | float):
        # An explicit 0 GPUs is refused by the stock options, which start at 1 [PostAction].
        return [] if parameter.omit_zero and not value else [_number(value)]
    if isinstance(value, Mapping):
        return [f"{name}={text}" for name, text in value.items()]
    return [str(value)]


def _quoted(text: str) -> str:
    """As `urllib.parse.quote_plus`, which takes longer than the rest of a create for its texts."""
    return _quoted_short(text) if len(text) <= _SHORT else _escape(text)


@lru_cache(maxsize=1024)
def _quoted_short(text: str) -> str:
    """Most values of a create are those of the create before it."""
    return _escape(text)


def _escape(text: str) -> str:
    return _TO_ESCAPE.sub(lambda found: _escaped(found[0]), text)


@lru_cache(maxsize=512)
def _escaped(character: str) -> str:
    return quote_plus(character, errors="surrogatepass")


def _number(value: Number) -> str:
    return str(int(value)) if value == int(value) else format(Decimal(repr(value)), "f")
