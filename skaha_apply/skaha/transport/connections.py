"""Sends one request and brings back its whole answer, or says what was lost.

httpcore's pool takes time that grows with the square of its connections, so each place in flight has a pool of one
connection; the last one used is taken first, so that few stay open when little is going on.
"""

from __future__ import annotations

import logging
import os
import ssl
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import httpx

from skaha_apply.model.errors import UsageError
from skaha_apply.skaha.transport.proxy import Proxy, find_proxy
from skaha_apply.skaha.transport.retry import Answer, Lost, Result
from skaha_apply.skaha.transport.tls import peer_subject, tls_context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from skaha_apply.skaha.auth.login import Login
    from skaha_apply.skaha.requests import Call
    from skaha_apply.skaha.transport.clock import Clock

    MakeTransport = Callable[[], httpx.AsyncBaseTransport]
    Guard = Callable[[], Awaitable[None]]

# Servers keep idle connections for 20 s and more; one that is closed while a create is sent leaves it unsure.
IDLE = 5.0
_HTTPS = 443
_Cause = TypeVar("_Cause", bound=BaseException)
_TRUST_HINT = (
    "if you trust it, name the file with the CA's certificate in SSL_CERT_FILE (PEM); "
    "otherwise check the address of the server (--server, SKAHA_URL)"
)
_TAIL_NOTE = b"[the beginning is left out]\n"
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
# httpcore logs each header at DEBUG, Authorization among what it has at hand.
for _name in ("httpcore", "httpx"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class Limits(NamedTuple):
    """Seconds for the connection, until a response begins, between two pieces of its body, and for all of it."""

    connect: float
    begin: float
    pause: float
    whole: float


def _extensions(limits: Limits, guard: Guard | None) -> dict[str, Any]:
    """What httpcore has to know of a request: its timeout, and the guard that it calls before it writes the headers."""
    given: dict[str, Any] = {"timeout": {"connect": limits.connect, "read": None, "write": None, "pool": None}}

    async def trace(event: str, _: Mapping[str, Any]) -> None:
        if guard is not None and event.endswith(".send_request_headers.started"):
            await guard()

    return given if guard is None else given | {"trace": trace}


class Connections:
    """A stack of connections to one server with one credential.

    Args:
        base: base URL of the server; raises `UsageError` for a host that cannot be, or a proxy of an unknown kind.
        login: the credential; raises `Unauthorized` for a certificate that OpenSSL refuses.
        clock: what limits the time of an answer.
        transport: makes another transport than HTTP over the network, for tests.
    """

    def __init__(self, base: str, login: Login, clock: Clock, transport: MakeTransport | None = None) -> None:
        self._base = base
        self._clock = clock
        try:
            # What httpx takes as a host, the look-up of names may still refuse: labels end at 63 characters.
            httpx.URL(base).raw_host.decode("ascii").encode("idna")
        except (httpx.InvalidURL, UnicodeError):
            raise UsageError(f"there can be no host {urlsplit(base).hostname!r}") from None
        self._proxy = find_proxy(base)
        self._make = transport or _network(base, login, self._proxy)
        self._idle: list[httpx.AsyncBaseTransport] = []
        self._closed = False

    async def send(
        self, call: Call, headers: list[tuple[str, str]], limits: Limits, guard: Guard | None = None
    ) -> Result:
        """Send one request. Raises cancellation, and what `guard` raises; every other end is a result.

        `guard` is called once the connection stands, right before the request is written to it.
        """
        request = httpx.Request(
            call.method,
            f"{self._base}/{call.path}",
            headers=headers,
            content=call.form,
            extensions=_extensions(limits, guard),
        )
        sent, response = self._clock.monotonic(), None
        try:
            async with self._clock.timeout(limits.whole), self._connection() as transport:
                async with self._clock.timeout(limits.begin) if limits.begin < limits.whole else nullcontext():
                    response = await transport.handle_async_request(request)
                try:
                    body = await self._body(response, call, limits.pause)
                finally:
                    await response.aclose()
        except TimeoutError:
            if response is None:
                return Lost(sent=True, text=f"no answer within {min(limits.begin, limits.whole):.0f} s")
            passed = self._clock.monotonic() - sent
            return Lost(sent=True, text=f"the response began and was not complete after {passed:.0f} s")
        except (httpx.TransportError, httpx.DecodingError, httpx.InvalidURL) as error:
            return await self._lost(error)
        if body is None:
            return Lost(sent=True, text=f"the answer is longer than {call.limit >> 20} MiB", hopeless=True)
        told = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, told, body, self._clock.monotonic() - sent)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[httpx.AsyncBaseTransport]:
        transport = self._idle.pop() if self._idle else self._make()
        try:
            yield transport
        except BaseException:
            # What a failed or cancelled request leaves behind on a connection is not worth guessing.
            await transport.aclose()
            raise
        if self._closed:
            await transport.aclose()
        else:
            self._idle.append(transport)

    async def _lost(self, error: Exception) -> Lost:
        """What an error of the connection means, with the setting or certificate that is to blame."""
        sent, text = not isinstance(error, _NOTHING_SENT), _reason(error)
        untrusted = _first(error, ssl.SSLCertVerificationError)
        if untrusted is not None:
            return Lost(sent, await self._untrusted(untrusted), hopeless=True, hint=_TRUST_HINT)
        if self._proxy and not sent:
            text = f"no connection through the proxy {self._proxy.shown}: {text}"
            return Lost(sent, text, hint=f"correct or unset {self._proxy.source}, or name the host in NO_PROXY")
        return Lost(sent, text)

    async def _untrusted(self, error: ssl.SSLCertVerificationError) -> str:
        parts = urlsplit(self._base)
        host = parts.hostname or ""
        subject = None if self._proxy else await peer_subject(host, parts.port or _HTTPS)
        shown = f" of {host} ({subject})" if subject else f" of {host}"
        return f"the certificate{shown} is not trusted: {error.verify_message}"

    async def _body(self, response: httpx.Response, call: Call, pause: float) -> bytes | None:
        """The whole body, its end for a `tail`; None if it is too long. Raises TimeoutError after a silent `pause`."""
        chunks: list[bytes] = []
        size, cut = 0, False
        arriving = aiter(response.aiter_bytes())
        while True:
            async with self._clock.timeout(pause):
                chunk = await anext(arriving, None)
            if chunk is None:
                body = b"".join(chunks)
                # A line that was cut might be the second half of a secret, which nothing would recognize.
                return _TAIL_NOTE + body[body.find(b"\n") + 1 :] if cut else body
            chunks.append(chunk)
            size += len(chunk)
            while size > call.limit and call.tail:
                cut = True
                size -= len(chunks.pop(0))
            if size > call.limit:
                return None

    async def close(self) -> None:
        """Close what is idle now, and what is in use as soon as its answer is read."""
        self._closed = True
        while self._idle:
            await self._idle.pop().aclose()


def _network(base: str, login: Login, proxy: Proxy | None) -> MakeTransport:
    context = tls_context(login) if base.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    url = proxy.url if proxy else None
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE)

    def make() -> httpx.AsyncBaseTransport:
        return httpx.AsyncHTTPTransport(verify=context, limits=limits, proxy=url, trust_env=False)

    try:
        make()
    except (ValueError, ImportError, httpx.InvalidURL):
        shown = proxy.shown if proxy else "none"
        raise UsageError(
            f"the proxy {shown} is of a kind that cannot be used",
            hint="write its address as http://HOST:PORT or https://HOST:PORT",
        ) from None
    return make


def _causes(error: BaseException) -> list[BaseException]:
    """An error and everything that led to it, several addresses of a host that were tried included."""
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
        if isinstance(cause, OSError) and cause.errno:
            # asyncio puts an address into the text of a number; those of name look-ups are negative.
            return os.strerror(cause.errno) if cause.errno > 0 else str(cause.strerror)
    if isinstance(error, httpx.ConnectTimeout):
        return "no connection within the time limit"
    # Messages of a protocol error may repeat a header that was sent.
    text = "" if isinstance(error, httpx.LocalProtocolError) else str(error)
    return text or f"the connection failed ({type(error).__name__})"
