"""One TCP or TLS connection as a stream of bytes, with as few steps of the event loop as possible."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import select
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    import ssl

# Seconds after which the next address of a host is tried, too [RFC 8305, 5].
_NEXT_ADDRESS = 0.25
_MOST_UNREAD = 256 * 1024  # bytes that arrived and were not read; then the peer has to wait
_ERROR_NUMBER = re.compile(r"\[Errno (\d+)\]")


class Peer(NamedTuple):
    """Where a connection leads: host without brackets, port, and the TLS context (None for plain text)."""

    host: str
    port: int
    tls: ssl.SSLContext | None


class ByteStream(asyncio.Protocol):
    """An open connection; `connect` opens it. One task reads at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._unread = bytearray()
        self._is_paused = False  # whether the peer has to wait
        self._is_congested = False  # whether many written bytes were not sent yet
        self._ended = False  # nothing will arrive any more
        self._error: Exception | None = None
        self._woken: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._unread += data
        if len(self._unread) > _MOST_UNREAD and not self._is_paused and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Called by the event loop. The connection closes: a server that sends no more responds to nothing more."""
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._ended, self._error = True, exc
        self._wake()

    def pause_writing(self) -> None:
        """Called by the event loop."""
        self._is_congested = True

    def resume_writing(self) -> None:
        """Called by the event loop."""
        self._is_congested = False
        self._wake()

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def _wait(self) -> None:
        self._woken = asyncio.get_running_loop().create_future()
        try:
            await self._woken
        finally:
            self._woken = None

    @property
    def is_idle(self) -> bool:
        """Whether the connection is open, all that was written was sent, and nothing arrived that nobody has read.

        The kernel is asked, too: the event loop might not have run since the server closed the connection.
        """
        transport = self._transport
        if transport is None or self._ended or self._unread or transport.is_closing():
            return False
        return not transport.get_write_buffer_size() and not _is_readable(transport.get_extra_info("socket").fileno())

    async def write(self, data: bytes) -> None:
        """Send `data`. Returns early if the server responds or ends the connection before all was sent."""
        if self._transport is not None and not self._ended:
            self._transport.write(data)
        while self._is_congested and not self._unread and not self._ended:
            await self._wait()

    async def read(self) -> bytes:
        """What has arrived; b"" at the end of the stream. Raises `OSError` if the connection broke."""
        while not self._unread and not self._ended:
            await self._wait()
        data = bytes(self._unread)
        self._unread.clear()
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()
        if not data and self._error is not None:
            raise self._error
        return data

    async def close(self) -> None:
        """End the connection at once, whatever was not sent."""
        self._ended = True
        if self._transport is not None:
            self._transport.abort()
            await asyncio.sleep(0)  # the event loop closes the socket in its next iteration


async def connect(peer: Peer, seconds: float | None) -> ByteStream:
    """Open a connection, with TLS if the peer has a context.

    Raises `OSError` if there is none, `TimeoutError` without an `errno` after `seconds`.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(seconds):
            _, stream = await loop.create_connection(
                ByteStream,
                peer.host,
                peer.port,
                ssl=peer.tls,
                server_hostname=peer.host if peer.tls else None,
                happy_eyeballs_delay=_NEXT_ADDRESS,
            )
    except OSError as error:
        if error.errno is None and (number := _error_number(error)):
            raise OSError(number, os.strerror(number)) from error
        raise
    return stream


def _error_number(error: OSError) -> int | None:
    """The number of an error to which asyncio gave none."""
    if isinstance(error, ConnectionResetError):
        return errno.ECONNRESET  # the server closed the connection in the TLS handshake
    # For a host with several addresses, asyncio joins the texts of their errors.
    found = _ERROR_NUMBER.search(str(error))
    return int(found[1]) if found else None


def _is_readable(descriptor: int) -> bool:
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
