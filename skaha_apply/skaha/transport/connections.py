"""Send one request and return its complete response, or the reason why there is none.

Each request in flight has a connection. The last one used is taken first, so that few connections stay open when there
are few requests. A connection is an `HttpConnection`, or a transport of httpx if there is a proxy.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlsplit

from skaha_apply.model.errors import UsageError
from skaha_apply.skaha.transport.byte_stream import Peer
from skaha_apply.skaha.transport.http_connection import HttpConnection
from skaha_apply.skaha.transport.http_message import ConnectionFailedError, HttpRequest, HttpTransport, ResponseHead
from skaha_apply.skaha.transport.origin import Origin, read_origin
from skaha_apply.skaha.transport.proxy import Proxy, find_proxy
from skaha_apply.skaha.transport.retry import NoResponse, Reply, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import httpx

    from skaha_apply.skaha.auth.login import Login
    from skaha_apply.skaha.requests import ApiRequest
    from skaha_apply.skaha.transport.clock import Clock
    from skaha_apply.skaha.transport.http_message import Guard

    MakeTransport = Callable[[], httpx.AsyncBaseTransport]

# Seconds. Servers keep idle connections for at least 20 s. A create on a connection that closes is unconfirmed.
IDLE = 5.0
_HTTPS = 443
_Cause = TypeVar("_Cause", bound=BaseException)
_TRUST_HINT = (
    "if you trust it, give the file with the certificate of its CA in SSL_CERT_FILE (PEM); "
    "otherwise check the address of the server (--server, SKAHA_URL)"
)
_TAIL_NOTE = b"[the beginning is left out]\n"
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})  # they state the length of a body also if it is empty


class TimeLimits(NamedTuple):
    """Seconds for the connection, until a response begins, between two pieces of its body, and for all of it."""

    connect: float
    begin: float
    between: float
    whole: float


class Connections:
    """A stack of connections to one server with one credential.

    Args:
        base: base URL of the server; raises `UsageError` for an impossible host, or a proxy of an unknown kind.
        login: the credential; raises `Unauthorized` for a certificate that OpenSSL refuses.
        clock: limits the time of a response.
        transport: makes the transport in tests.
    """

    def __init__(self, base: str, login: Login, clock: Clock, transport: MakeTransport | None = None) -> None:
        self._base = base
        self._clock = clock
        self._origin = read_origin(base)
        self._proxy = find_proxy(base)
        make = _with_httpx(self._origin, transport) if transport else None
        self._make = make or _network(self._origin, login, self._proxy)
        self._idle: list[HttpTransport] = []
        self._closed = False

    async def send(
        self, request: ApiRequest, headers: list[tuple[str, str]], limits: TimeLimits, guard: Guard | None = None
    ) -> Reply:
        """Send one request. Raises only `CancelledError` and the errors of `guard`.

        `guard` is called after the connection is open, right before the request is written to it.
        """
        wanted = self._request(request, headers)
        sent, head, whole = self._clock.monotonic(), None, self._clock.timeout(limits.whole)
        connection = self._idle.pop() if self._idle else self._make()
        try:
            async with whole:
                async with self._clock.timeout(limits.begin) if limits.begin < limits.whole else nullcontext():
                    head = await connection.send(wanted, limits.connect, guard)
                body = await self._body(connection, head, request, limits)
                await connection.end()
        except BaseException as error:
            # The condition of a connection is unknown after a failed or canceled request.
            await connection.aclose()
            if isinstance(error, ConnectionFailedError):
                return await self._no_response(error)
            if not isinstance(error, TimeoutError):
                raise
            passed = self._clock.monotonic() - sent
            return _timed_out(limits) if head is None else _timed_out(limits, passed)
        if self._closed:
            await connection.aclose()
        else:
            self._idle.append(connection)
        if body is None:
            text = f"the response is longer than {request.limit >> 20} MiB"
            return NoResponse(sent=True, text=text, can_retry=False)
        return Response(head.status, head.headers, body, self._clock.monotonic() - sent)

    def _request(self, request: ApiRequest, headers: list[tuple[str, str]]) -> HttpRequest:
        body = request.form or b""
        lengths = [("content-length", str(len(body)))] if body or request.method in _WITH_BODY else []
        target = f"{self._origin.path}/{request.path}"
        return HttpRequest(request.method, target, (("host", self._origin.authority), *lengths, *headers), body)

    async def _no_response(self, error: ConnectionFailedError) -> NoResponse:
        """The meaning of an error of the connection, with the setting or certificate that caused it."""
        sent, text = error.sent, _reason(error)
        untrusted = _first(error, ssl.SSLCertVerificationError)
        if untrusted is not None:
            return NoResponse(sent, await self._untrusted(untrusted), can_retry=False, hint=_TRUST_HINT)
        if self._proxy and not sent:
            text = f"no connection through the proxy {self._proxy.shown}: {text}"
            return NoResponse(sent, text, hint=f"correct or unset {self._proxy.source}, or add the host to NO_PROXY")
        return NoResponse(sent, text)

    async def _untrusted(self, error: ssl.SSLCertVerificationError) -> str:
        parts = urlsplit(self._base)
        host = parts.hostname or ""
        from skaha_apply.skaha.transport.tls import peer_subject  # noqa: PLC0415 - after a failure

        subject = None if self._proxy else await peer_subject(host, parts.port or _HTTPS)
        shown = f" of {host} ({subject})" if subject else f" of {host}"
        return f"the certificate{shown} is not trusted: {error.verify_message}"

    async def _body(
        self, connection: HttpTransport, head: ResponseHead, request: ApiRequest, limits: TimeLimits
    ) -> bytes | None:
        """The whole body, or its end for a `tail`; None if it is too long.

        Raises `TimeoutError` if no piece arrives for `limits.between` seconds.
        """
        pieces: list[bytes] = []
        size, cut = 0, False
        read, encoding = connection.read, head.headers.get("content-encoding")
        if encoding:
            arriving = _decoded(connection, encoding)
            read = lambda: anext(arriving, None)  # noqa: E731 - as `HttpTransport.read`
        while True:
            async with self._clock.timeout(limits.between) if limits.between < limits.whole else nullcontext():
                piece = await read()
            if piece is None:
                body = b"".join(pieces)
                # The first line can be the second half of a secret, which masking would not recognize.
                return _TAIL_NOTE + body[body.find(b"\n") + 1 :] if cut else body
            pieces.append(piece)
            size += len(piece)
            while size > request.limit and request.tail:
                cut = True
                size -= len(pieces.pop(0))
            if size > request.limit:
                return None

    async def close(self) -> None:
        """Close idle connections now, and each other one as soon as its response was read.

        A cancellation does not keep it from closing all of them. It is raised after that.
        """
        self._closed = True
        canceled = None
        while self._idle:
            try:
                await self._idle.pop().aclose()
            except asyncio.CancelledError as error:
                canceled = error
        if canceled is not None:
            raise canceled


def _timed_out(limits: TimeLimits, passed: float | None = None) -> NoResponse:
    """The meaning of a time limit; `passed` are the seconds since the request, if its response had begun."""
    if passed is None:
        return NoResponse(sent=True, text=f"no response within {min(limits.begin, limits.whole):.0f} s")
    return NoResponse(sent=True, text=f"the response began and was not complete after {passed:.0f} s")


def _network(origin: Origin, login: Login, proxy: Proxy | None) -> Callable[[], HttpTransport]:
    """Makes connections; through httpx for a proxy, and `UsageError` for one of an unknown kind."""
    context = None
    if origin.scheme == "https":
        from skaha_apply.skaha.transport.tls import tls_context  # noqa: PLC0415 - httpx, to find certificates

        context = tls_context(login)
    if proxy is None:
        peer = Peer(origin.host, origin.connects_to, context)
        return lambda: HttpConnection(peer, IDLE)
    from skaha_apply.skaha.transport.httpx_connection import httpx_transport  # noqa: PLC0415 - httpx, for a proxy

    try:
        httpx_transport(context, proxy.url, IDLE)
    except (ValueError, ImportError):
        raise UsageError(
            f"the tool cannot use the proxy {proxy.shown}",
            hint="write its address as http://HOST:PORT or https://HOST:PORT",
        ) from None
    return _with_httpx(origin, lambda: httpx_transport(context, proxy.url, IDLE))


def _with_httpx(origin: Origin, make: MakeTransport) -> Callable[[], HttpTransport]:
    from skaha_apply.skaha.transport.httpx_connection import HttpxConnection  # noqa: PLC0415 - as above

    return lambda: HttpxConnection(make(), origin.url)


def _decoded(connection: HttpTransport, encoding: str) -> AsyncIterator[bytes]:
    """The pieces of an encoded body, decoded; the client asks for none, but a gateway can send one."""
    from skaha_apply.skaha.transport.httpx_connection import decoded  # noqa: PLC0415 - as above

    async def pieces() -> AsyncIterator[bytes]:
        while (piece := await connection.read()) is not None:
            yield piece

    return decoded(pieces(), encoding)


def _causes(error: BaseException) -> list[BaseException]:
    """An error and all its causes, also those of several addresses of a host."""
    found: list[BaseException] = []
    open_ends: list[BaseException | None] = [error]
    while open_ends:
        cause = open_ends.pop()
        if cause is not None and cause not in found:
            found.append(cause)
            open_ends += [cause.__context__, cause.__cause__]
            open_ends += cause.exceptions if isinstance(cause, BaseExceptionGroup) else ()
    return found


def _first(error: BaseException, kind: type[_Cause]) -> _Cause | None:
    return next((cause for cause in _causes(error) if isinstance(cause, kind)), None)


def _reason(error: BaseException) -> str:
    causes = _causes(error)
    for cause in reversed(causes):
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {(cause.reason or str(cause)).lower().replace('_', ' ')}"
        if isinstance(cause, OSError) and cause.errno:
            # asyncio adds an address to the text of a number. The numbers of name look-ups are negative.
            return os.strerror(cause.errno) if cause.errno > 0 else str(cause.strerror)
    return str(error) or "the connection failed"
