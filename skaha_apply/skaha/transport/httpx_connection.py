"""A transport of httpx as a connection of the client: behind a proxy, and in tests."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from skaha_apply.lean_httpx import httpx
from skaha_apply.skaha.transport.http_message import ConnectionFailedError, HttpRequest, ResponseHead

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from skaha_apply.skaha.transport.http_message import Guard

_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class HttpxConnection:
    """One connection to one server; see `HttpTransport`.

    Args:
        transport: carries one request at a time.
        origin: scheme, host and port of the server.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, origin: str) -> None:
        self._transport = transport
        self._origin = origin
        self._response: httpx.Response | None = None
        self._pieces: AsyncIterator[bytes] | None = None

    async def send(self, request: HttpRequest, connect_limit: float, guard: Guard | None = None) -> ResponseHead:
        """Send a request; see `HttpTransport`."""
        wanted = httpx.Request(
            request.method,
            f"{self._origin}{request.target}",
            headers=request.headers,
            content=request.body or None,
            extensions=_extensions(connect_limit, guard),
        )
        try:
            response = self._response = await self._transport.handle_async_request(wanted)
        except httpx.TransportError as error:
            raise _failure(error) from error
        stream = response.stream
        self._pieces = aiter(stream) if isinstance(stream, httpx.AsyncByteStream) else response.aiter_raw()
        return ResponseHead(response.status_code, {name.lower(): value for name, value in response.headers.items()})

    async def read(self) -> bytes | None:
        """The next piece of the body, None at its end; see `HttpTransport`."""
        if self._pieces is None:
            return None
        try:
            return await anext(self._pieces, None)
        except httpx.TransportError as error:
            raise _failure(error) from error

    async def end(self) -> None:
        """Close the response, so that the transport can keep its connection."""
        response, self._response, self._pieces = self._response, None, None
        if response is not None:
            await response.aclose()

    async def aclose(self) -> None:
        """Close the connection."""
        await self.end()
        await self._transport.aclose()


def httpx_transport(context: ssl.SSLContext | None, proxy: str | None, idle: float) -> httpx.AsyncBaseTransport:
    """A transport of httpx for one connection.

    Args:
        context: None for plain text.
        proxy: its URL, None for a direct connection; raises `ValueError` or `ImportError` for one of an unknown kind.
        idle: seconds after which an unused connection is not used any more.
    """
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=idle)
    verify = context or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        return httpx.AsyncHTTPTransport(verify=verify, limits=limits, proxy=proxy, trust_env=False)
    except httpx.InvalidURL as error:
        raise ValueError(str(error)) from error


async def decoded(pieces: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """The pieces of a body without its `content-encoding`; raises `ConnectionFailedError` if they have another one."""
    response = httpx.Response(200, headers={"content-encoding": encoding}, stream=_Stream(pieces))
    try:
        async for piece in response.aiter_bytes():
            yield piece
    except httpx.DecodingError as error:
        raise ConnectionFailedError(str(error)) from error


class _Stream(httpx.AsyncByteStream):
    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces


def _extensions(connect: float, guard: Guard | None) -> dict[str, Any]:
    """The extensions of a request: the timeouts, and a trace that calls the guard before the headers are written."""
    given: dict[str, Any] = {"timeout": {"connect": connect, "read": None, "write": None, "pool": None}}

    async def trace(event: str, _: Mapping[str, Any]) -> None:
        if guard is not None and event.endswith(".send_request_headers.started"):
            await guard()

    return given if guard is None else given | {"trace": trace}


def _failure(error: httpx.TransportError) -> ConnectionFailedError:
    if isinstance(error, httpx.ConnectTimeout):
        text = "no connection within the time limit"
    else:  # a message of a protocol error can contain a header of the request
        text = "" if isinstance(error, httpx.LocalProtocolError) else str(error)
    return ConnectionFailedError(text, sent=not isinstance(error, _NOTHING_SENT))
