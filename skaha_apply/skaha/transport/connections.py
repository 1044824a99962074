"""Send one request and return its complete response, or the reason why there is none.

Each request in flight has a transport with one connection. The last one used is taken first, so that few connections
stay open when there are few requests. The transport is `HttpConnection`, or that of httpx if there is a proxy.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from contextlib import asynccontextmanager, nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import httpx

from skaha_apply.model.errors import UsageError
from skaha_apply.skaha.transport.byte_stream import Peer
from skaha_apply.skaha.transport.http_connection import HttpConnection
from skaha_apply.skaha.transport.proxy import Proxy, find_proxy
from skaha_apply.skaha.transport.retry import NoResponse, Reply, Response
from skaha_apply.skaha.transport.tls import peer_subject, tls_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from skaha_apply.skaha.auth.login import Login
    from skaha_apply.skaha.requests import ApiRequest
    from skaha_apply.skaha.transport.clock import Clock

    MakeTransport = Callable[[], httpx.AsyncBaseTransport]
    Guard = Callable[[], Awaitable[None]]

# Seconds. Servers keep idle connections for at least 20 s. A create on a connection that closes is unconfirmed.
IDLE = 5.0
_HTTP, _HTTPS = 80, 443
_Cause = TypeVar("_Cause", bound=BaseException)
_TRUST_HINT = (
    "if you trust it, give the file with the certificate of its CA in SSL_CERT_FILE (PEM); "
    "otherwise check the address of the server (--server, SKAHA_URL)"
)
_TAIL_NOTE = b"[the beginning is left out]\n"
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
# At DEBUG, httpcore logs each header, also Authorization.
for _name in ("httpcore", "httpx"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class TimeLimits(NamedTuple):
    """Seconds for the connection, until a response begins, between two pieces of its body, and for all of it."""

    connect: float
    begin: float
    between: float
    whole: float


def _extensions(limits: TimeLimits, guard: Guard | None) -> dict[str, Any]:
    """The extensions of a request: the timeouts, and a trace that calls the guard before the headers are written."""
    given: dict[str, Any] = {"timeout": {"connect": limits.connect, "read": None, "write": None, "pool": None}}

    async def trace(event: str, _: Mapping[str, Any]) -> None:
        if guard is not None and event.endswith(".send_request_headers.started"):
            await guard()

    return given if guard is None else given | {"trace": trace}


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
        try:
            # A name server can refuse a host that httpx accepts: a label has at most 63 characters.
            httpx.URL(base).raw_host.decode("ascii").encode("idna")
        except (httpx.InvalidURL, UnicodeError):
            raise UsageError(
                f"{urlsplit(base).hostname!r} cannot be the name of a host", hint="check --server"
            ) from None
        self._proxy = find_proxy(base)
        self._make = transport or _network(base, login, self._proxy)
        self._idle: list[httpx.AsyncBaseTransport] = []
        self._closed = False

    async def send(
        self, request: ApiRequest, headers: list[tuple[str, str]], limits: TimeLimits, guard: Guard | None = None
    ) -> Reply:
        """Send one request. Raises only `CancelledError` and the errors of `guard`.

        `guard` is called after the connection is open, right before the request is written to it.
        """
        http_request = httpx.Request(
            request.method,
            _url(f"{self._base}/{request.path}"),
            headers=headers,
            content=request.form,
            extensions=_extensions(limits, guard),
        )
        sent, response = self._clock.monotonic(), None
        try:
            async with self._clock.timeout(limits.whole), self._connection() as transport:
                async with self._clock.timeout(limits.begin) if limits.begin < limits.whole else nullcontext():
                    response = await transport.handle_async_request(http_request)
                try:
                    body = await self._body(response, request, limits)
                finally:
                    await response.aclose()
        except TimeoutError:
            if response is None:
                return NoResponse(sent=True, text=f"no response within {min(limits.begin, limits.whole):.0f} s")
            passed = self._clock.monotonic() - sent
            return NoResponse(sent=True, text=f"the response began and was not complete after {passed:.0f} s")
        except (httpx.TransportError, httpx.DecodingError, httpx.InvalidURL) as error:
            return await self._no_response(error)
        if body is None:
            text = f"the response is longer than {request.limit >> 20} MiB"
            return NoResponse(sent=True, text=text, can_retry=False)
        received = {name.lower(): value for name, value in response.headers.items()}
        return Response(response.status_code, received, body, self._clock.monotonic() - sent)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[httpx.AsyncBaseTransport]:
        transport = self._idle.pop() if self._idle else self._make()
        try:
            yield transport
        except BaseException:
            # The condition of a connection is unknown after a failed or canceled request.
            await transport.aclose()
            raise
        if self._closed:
            await transport.aclose()
        else:
            self._idle.append(transport)

    async def _no_response(self, error: Exception) -> NoResponse:
        """The meaning of an error of the connection, with the setting or certificate that caused it."""
        sent, text = not isinstance(error, _NOTHING_SENT), _reason(error)
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
        subject = None if self._proxy else await peer_subject(host, parts.port or _HTTPS)
        shown = f" of {host} ({subject})" if subject else f" of {host}"
        return f"the certificate{shown} is not trusted: {error.verify_message}"

    async def _body(self, response: httpx.Response, request: ApiRequest, limits: TimeLimits) -> bytes | None:
        """The whole body, or its end for a `tail`; None if it is too long.

        Raises `TimeoutError` if no piece arrives for `limits.between` seconds.
        """
        chunks: list[bytes] = []
        size, cut = 0, False
        # httpx decodes a body, and takes as long as h11 for one that needs no decoder.
        stream = None if "content-encoding" in response.headers else response.stream
        arriving = aiter(stream if isinstance(stream, httpx.AsyncByteStream) else response.aiter_bytes())
        while True:
            async with self._clock.timeout(limits.between) if limits.between < limits.whole else nullcontext():
                chunk = await anext(arriving, None)
            if chunk is None:
                body = b"".join(chunks)
                # The first line can be the second half of a secret, which masking would not recognize.
                return _TAIL_NOTE + body[body.find(b"\n") + 1 :] if cut else body
            chunks.append(chunk)
            size += len(chunk)
            while size > request.limit and request.tail:
                cut = True
                size -= len(chunks.pop(0))
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


@lru_cache(maxsize=64)
def _url(text: str) -> httpx.URL:
    return httpx.URL(text)


def _network(base: str, login: Login, proxy: Proxy | None) -> MakeTransport:
    """The transport of this package, or that of httpx for a proxy; raises `UsageError` for one of an unknown kind."""
    context = tls_context(login) if base.startswith("https:") else None
    if proxy is None:
        url = httpx.URL(base)
        default = _HTTP if context is None else _HTTPS
        peer = Peer(url.raw_host.decode("ascii"), url.port or default, context)
        return lambda: HttpConnection(peer, IDLE)
    make = httpx_transport(context, proxy.url)
    try:
        make()
    except (ValueError, ImportError, httpx.InvalidURL):
        raise UsageError(
            f"the tool cannot use the proxy {proxy.shown}",
            hint="write its address as http://HOST:PORT or https://HOST:PORT",
        ) from None
    return make


def httpx_transport(context: ssl.SSLContext | None, proxy: str | None) -> MakeTransport:
    """Makes transports of httpx, each for one connection; `proxy` is a URL."""
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE)
    verify = context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return lambda: httpx.AsyncHTTPTransport(verify=verify, limits=limits, proxy=proxy, trust_env=False)


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
    if isinstance(error, httpx.ConnectTimeout):
        return "no connection within the time limit"
    # A message of a protocol error can contain a header of the request.
    text = "" if isinstance(error, httpx.LocalProtocolError) else str(error)
    return text or f"the connection failed ({type(error).__name__})"
