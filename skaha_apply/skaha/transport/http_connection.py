"""HTTP/1.1 over one connection: asyncio carries the bytes, and h11 reads and writes the messages.

A request costs a quarter of what the transport of httpx takes for it (docs/decisions/0012). This one knows neither
proxies nor HTTP/2; `connections` decides which transport is used.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import h11

from skaha_apply.skaha.transport.byte_stream import ByteStream, Peer, connect
from skaha_apply.skaha.transport.http_message import ConnectionFailedError, HttpRequest, ResponseHead
from skaha_apply.skaha.transport.short_response import read_short_response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.skaha.transport.http_message import Guard

_MOST_HEADERS = 100 * 1024  # bytes of the headers of a response, or of a line between two chunks


class HttpConnection:
    """One connection to one server; see `HttpTransport`.

    Most responses arrive in one piece, and `read_short_response` reads them. h11 reads all others.

    Args:
        peer: the server.
        idle: seconds after which an unused connection is not used any more.
    """

    def __init__(self, peer: Peer, idle: float) -> None:
        self._peer = peer
        self._idle = idle
        self._stream: ByteStream | None = None
        self._messages: h11.Connection | None = None  # reads the present response, unless that was a short one
        self._body: bytes | None = None  # of a short response, until it was read
        self._expires = 0.0
        self._is_busy = False

    async def send(self, request: HttpRequest, connect_limit: float, guard: Guard | None = None) -> ResponseHead:
        """Send a request; see `HttpTransport`. Raises its error also for a request that HTTP does not allow."""
        if self._is_busy:
            raise ConnectionFailedError("the connection is in use", sent=False)
        self._is_busy = True
        try:
            stream = await self._open(connect_limit)
            if guard is not None:
                await guard()
            await stream.write(_head(request) + request.body)
            return await self._receive_head(stream, request)
        except BaseException:
            await self.aclose()
            raise

    async def _open(self, seconds: float) -> ByteStream:
        """The present connection if it is usable, else a new one."""
        if self._stream is not None and self._stream.is_idle and _now() <= self._expires:
            return self._stream
        await self._close_stream()
        try:
            self._stream = await connect(self._peer, seconds)
        except OSError as error:
            timed_out = isinstance(error, TimeoutError) and error.errno is None
            text = "no connection within the time limit" if timed_out else str(error)
            raise ConnectionFailedError(text, sent=False) from error
        return self._stream

    async def _receive_head(self, stream: ByteStream, request: HttpRequest) -> ResponseHead:
        data = await _receive(stream)
        if (short := read_short_response(data)) is not None:
            head, self._body = short
            return head
        messages = self._messages = _sent(request)
        _add_data(messages, data)
        while not isinstance(event := await _next_event(stream, messages), h11.Response):
            pass
        return ResponseHead(event.status_code, _joined(event.headers))

    async def read(self) -> bytes | None:
        """The next piece of the body, None at its end; see `HttpTransport`."""
        stream = self._stream
        if stream is None or not self._is_busy:
            raise ConnectionFailedError("the connection was closed")
        if self._messages is None:
            body, self._body = self._body, None
            return body or None
        try:
            event = await _next_event(stream, self._messages)
        except BaseException:
            await self.aclose()
            raise
        return bytes(event.data) if isinstance(event, h11.Data) else None

    async def end(self) -> None:
        """Keep the connection if the response is complete and nothing follows it; close it otherwise."""
        messages, self._messages, self._body = self._messages, None, None
        if messages is None or (_is_complete(messages) and not messages.trailing_data[0]):
            self._expires = _now() + self._idle
            self._is_busy = False
        else:
            await self.aclose()

    async def aclose(self) -> None:
        """Close the connection. The next request opens a new one."""
        self._is_busy, self._messages, self._body = False, None, None
        await self._close_stream()

    async def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.close()


@lru_cache(maxsize=64)
def _written(method: str, target: str, headers: tuple[tuple[str, str], ...]) -> tuple[h11.Request, bytes]:
    """The head of a request, and its bytes; most requests of a run have the head of an earlier one."""
    head = h11.Request(method=method, target=target, headers=list(headers))
    data = h11.Connection(h11.CLIENT).send(head)
    return head, data or b""


def _head(request: HttpRequest) -> bytes:
    """The bytes before the body; raises `ConnectionFailedError` without a text, which could show a header."""
    try:
        return _written(request.method, request.target, request.headers)[1]
    except h11.LocalProtocolError as error:
        raise ConnectionFailedError("") from error


def _sent(request: HttpRequest) -> h11.Connection:
    """A reader for the response to a request that was sent."""
    messages = h11.Connection(h11.CLIENT, _MOST_HEADERS)
    messages.send(_written(request.method, request.target, request.headers)[0])
    if request.body:
        messages.send(h11.Data(request.body))
    messages.send(h11.EndOfMessage())
    return messages


async def _receive(stream: ByteStream) -> bytes:
    try:
        return await stream.read()
    except OSError as error:
        raise ConnectionFailedError(str(error)) from error


def _add_data(messages: h11.Connection, data: bytes) -> None:
    """Add what has arrived, b"" for the end of the stream."""
    if not data and messages.their_state is h11.SEND_RESPONSE:
        raise ConnectionFailedError("Server disconnected without sending a response.")
    messages.receive_data(data)


async def _next_event(stream: ByteStream, messages: h11.Connection) -> Any:
    """The next event of the response."""
    try:
        while (event := messages.next_event()) is h11.NEED_DATA:
            _add_data(messages, await _receive(stream))
    except h11.RemoteProtocolError as error:
        raise ConnectionFailedError(str(error)) from error
    return event


def _is_complete(messages: h11.Connection) -> bool:
    return messages.our_state is h11.DONE and messages.their_state is h11.DONE


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("ascii"), _text(value)
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _now() -> float:
    return asyncio.get_running_loop().time()
