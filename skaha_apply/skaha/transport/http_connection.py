"""HTTP/1.1 over one connection, as a transport of httpx: h11 reads and writes the messages, asyncio carries the bytes.

It does what the transport of httpx does for this client, for a third of the time (docs/decisions/0012). It knows
neither proxies nor HTTP/2; `connections` decides which transport is used.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import h11
import httpx

from skaha_apply.skaha.transport.byte_stream import ByteStream, Peer, connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_MOST_HEADERS = 100 * 1024  # bytes of the headers of a response, or of a line between two chunks


class HttpConnection(httpx.AsyncBaseTransport):
    """One connection to one server. It is opened for the first request, and again after it was closed.

    It carries one request at a time; a second one raises `httpx.PoolTimeout`. It supports the extensions `timeout` and
    `trace` of httpx, and of the trace only the event right before a request is written.

    Args:
        peer: the server; all requests go there, whatever their URL is.
        idle: seconds after which an unused connection is not used any more.
    """

    def __init__(self, peer: Peer, idle: float) -> None:
        self._peer = peer
        self._idle = idle
        self._stream: ByteStream | None = None
        self._messages = h11.Connection(h11.CLIENT, _MOST_HEADERS)
        self._expires = 0.0
        self._is_busy = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return its response as soon as its headers arrived.

        Raises `httpx.ConnectError` and `httpx.ConnectTimeout` if nothing was sent, and other errors of
        `httpx.TransportError` if the server might have received the request. The connection is closed after each error.
        """
        if self._is_busy:
            raise httpx.PoolTimeout("the connection is in use")
        self._is_busy = True
        limits: dict[str, float | None] = request.extensions.get("timeout", {})
        try:
            stream = await self._open(limits.get("connect"))
            if trace := request.extensions.get("trace"):
                await trace("http11.send_request_headers.started", {"request": request})
            await self._send(stream, request, limits.get("write"))
            head = await self._receive_head(stream, limits.get("read"))
        except BaseException:
            await self.aclose()
            raise
        return httpx.Response(
            head.status_code,
            headers=head.headers.raw_items(),
            stream=_Body(self, stream, limits.get("read")),
            extensions={"http_version": b"HTTP/" + head.http_version, "reason_phrase": head.reason},
        )

    async def _open(self, seconds: float | None) -> ByteStream:
        """The present connection if it is usable, else a new one."""
        if self._stream is not None and self._stream.is_idle and _now() <= self._expires:
            return self._stream
        await self._close_stream()
        try:
            self._stream = await connect(self._peer, seconds)
        except OSError as error:
            timed_out = isinstance(error, TimeoutError) and error.errno is None
            raise (httpx.ConnectTimeout if timed_out else httpx.ConnectError)(str(error)) from error
        self._messages = h11.Connection(h11.CLIENT, _MOST_HEADERS)
        return self._stream

    async def _send(self, stream: ByteStream, request: httpx.Request, seconds: float | None) -> None:
        body = await request.aread()
        send = self._messages.send
        try:
            head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
            pieces = [send(head), send(h11.Data(body)) if body else None, send(h11.EndOfMessage())]
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error
        try:
            await stream.write(b"".join(piece for piece in pieces if piece), seconds)
        except TimeoutError as error:
            raise httpx.WriteTimeout(str(error)) from error

    async def _receive_head(self, stream: ByteStream, seconds: float | None) -> h11.Response:
        while True:
            event = await self.next_event(stream, seconds)
            if isinstance(event, h11.Response):
                return event

    async def next_event(self, stream: ByteStream, seconds: float | None) -> Any:
        """The next event of the response; raises errors of `httpx.TransportError`."""
        messages = self._messages
        try:
            while (event := messages.next_event()) is h11.NEED_DATA:
                data = await stream.read(seconds)
                if not data and messages.their_state is h11.SEND_RESPONSE:
                    raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
                messages.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        except OSError as error:
            timed_out = isinstance(error, TimeoutError) and error.errno is None
            raise (httpx.ReadTimeout if timed_out else httpx.ReadError)(str(error)) from error
        return event

    async def end_response(self) -> None:
        """Keep the connection if the response is complete and nothing follows it; close it otherwise."""
        messages = self._messages
        is_complete = messages.our_state is h11.DONE and messages.their_state is h11.DONE
        if is_complete and not messages.trailing_data[0]:
            messages.start_next_cycle()
            self._expires = _now() + self._idle
            self._is_busy = False
        else:
            await self.aclose()

    async def aclose(self) -> None:
        """Close the connection. The next request opens a new one."""
        self._is_busy = False
        await self._close_stream()

    async def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.close()


class _Body(httpx.AsyncByteStream):
    """The body of a response, as it arrives."""

    def __init__(self, connection: HttpConnection, stream: ByteStream, seconds: float | None) -> None:
        self._connection = connection
        self._stream = stream
        self._seconds = seconds
        self._is_open = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while isinstance(event := await self._connection.next_event(self._stream, self._seconds), h11.Data):
                yield bytes(event.data)
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        if self._is_open:
            self._is_open = False
            await self._connection.end_response()


def _now() -> float:
    return asyncio.get_running_loop().time()
