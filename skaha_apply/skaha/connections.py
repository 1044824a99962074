"""Sends one request and brings back its whole answer, or says what was lost.

httpcore's pool takes time that grows with the square of its connections, so each place in flight has a pool of one
connection; the last one used is taken first, so that few stay open when little is going on.
"""

from __future__ import annotations

import logging
import os
import ssl
import tempfile
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from skaha_apply.model.errors import Unauthorized, UsageError
from skaha_apply.skaha.address import is_loopback
from skaha_apply.skaha.login import RENEW_CERTIFICATE
from skaha_apply.skaha.retry import Answer, Lost, Result

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from skaha_apply.skaha.clock import Clock
    from skaha_apply.skaha.forms import Call
    from skaha_apply.skaha.login import Login

    MakeTransport = Callable[[], httpx.AsyncBaseTransport]

# Servers keep idle connections for 20 s and more; one that is closed while a create is sent leaves it unsure.
IDLE = 5.0
_TAIL_NOTE = b"[the beginning is left out]\n"
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
# httpcore logs each header at DEBUG, Authorization among what it has at hand.
for _name in ("httpcore", "httpx"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class Limits(NamedTuple):
    """Seconds for the connection, until an answer begins, and for all of it."""

    connect: float
    begin: float
    whole: float


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
        self._make = transport or _network(base, login)
        self._idle: list[httpx.AsyncBaseTransport] = []
        self._closed = False

    async def send(self, call: Call, headers: list[tuple[str, str]], limits: Limits) -> Result:
        """Send one request. Only cancellation is raised; everything else that happens is told."""
        request = httpx.Request(
            call.method,
            f"{self._base}/{call.path}",
            headers=headers,
            content=call.form,
            extensions={"timeout": {"connect": limits.connect, "read": None, "write": None, "pool": None}},
        )
        sent, response = self._clock.monotonic(), None
        try:
            async with self._clock.timeout(limits.whole), self._connection() as transport:
                async with self._clock.timeout(limits.begin) if limits.begin < limits.whole else nullcontext():
                    response = await transport.handle_async_request(request)
                try:
                    body = await _read(response, call)
                finally:
                    await response.aclose()
        except TimeoutError:
            if response is None:
                return Lost(sent=True, text=f"no answer within {min(limits.begin, limits.whole):.0f} s")
            return Lost(sent=True, text=f"the answer took longer than {limits.whole:.0f} s")
        except (httpx.TransportError, httpx.DecodingError, httpx.InvalidURL) as error:
            return Lost(not isinstance(error, _NOTHING_SENT), _reason(error), hopeless=_is_hopeless(error))
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

    async def close(self) -> None:
        """Close what is idle now, and what is in use as soon as its answer is read."""
        self._closed = True
        while self._idle:
            await self._idle.pop().aclose()


async def _read(response: httpx.Response, call: Call) -> bytes | None:
    chunks, size, cut = [], 0, False
    async for chunk in response.aiter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        while size > call.limit and call.tail:
            cut = True
            size -= len(chunks.pop(0))
        if size > call.limit:
            return None
    return (_TAIL_NOTE if cut else b"") + b"".join(chunks)


def _network(base: str, login: Login) -> MakeTransport:
    context = _tls_context(login) if base.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    proxy = _proxy(base)
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE)

    def make() -> httpx.AsyncBaseTransport:
        return httpx.AsyncHTTPTransport(verify=context, limits=limits, proxy=proxy, trust_env=False)

    try:
        make()
    except (ValueError, ImportError, httpx.InvalidURL):
        # A proxy's URL may hold a password.
        raise UsageError("HTTPS_PROXY or ALL_PROXY names a proxy of a kind that cannot be used") from None
    return make


def _proxy(base: str) -> str | None:
    parts = urlsplit(base)
    host = parts.hostname or ""
    # Loopback is plain http, where a proxy would see the token.
    if is_loopback(host) or parts.scheme != "https" or proxy_bypass(host):
        return None
    proxies = getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _tls_context(login: Login) -> ssl.SSLContext:
    try:
        context = httpx.create_ssl_context()
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"the certificates in SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {error}") from None
    if login.pem is None:
        return context
    try:
        # OpenSSL's interface in Python loads keys from files only; this one is readable by its owner only.
        with tempfile.TemporaryDirectory(prefix="skaha-apply-") as folder:
            path = Path(folder) / "certificate.pem"
            path.write_text(login.pem.reveal(), encoding="ascii", errors="replace")
            context.load_cert_chain(path, password=lambda: "")
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "it cannot be read"
        raise Unauthorized(
            f"the certificate from {login.source} cannot be used: {reason}",
            hint=f"get a new one without a password: {RENEW_CERTIFICATE}",
        ) from None
    return context


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


def _is_hopeless(error: BaseException) -> bool:
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(error))


def _reason(error: BaseException) -> str:
    causes = _causes(error)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the server's certificate is not trusted: {cause.verify_message}"
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.errno:
            # asyncio puts an address into the text of a number; those of name look-ups are negative.
            return os.strerror(cause.errno) if cause.errno > 0 else str(cause.strerror)
    if isinstance(error, httpx.ConnectTimeout):
        return "no connection within the time limit"
    # Messages of a protocol error may repeat a header that was sent.
    text = "" if isinstance(error, httpx.LocalProtocolError) else str(error)
    return text or f"the connection failed ({type(error).__name__})"
