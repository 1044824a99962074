"""Faults of single connections, over both transports: what was sent, what is repeated, and which connection is used."""

import asyncio
import contextlib
import errno
import gzip
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import zlib
from contextlib import asynccontextmanager

import pytest
from adversary import TOKEN, Adversary, awaited, client, raw, reply
from jobs import create_request

from skaha_apply.model.errors import StateError
from skaha_apply.model.request import Accepted, Refused, Unconfirmed
from skaha_apply.skaha.transport.byte_stream import Peer, connect
from skaha_apply.skaha.transport.clock import SystemClock
from skaha_apply.skaha.transport.http_connection import HttpConnection
from skaha_apply.skaha.transport.http_message import ConnectionFailedError, HttpRequest

JOB = create_request("reduce-1", "images.canfar.net/a/b:1")
ID = b"k2j3h4g5"
DONE = Accepted(ID.decode())
MADE = reply(200, "k2j3h4g5\n")
both_transports = pytest.mark.both_transports


def kept(data):
    """Write these bytes and keep the connection."""

    async def act(request):
        request.writer.write(data)
        await request.writer.drain()

    return act


def reset():
    """Read the request and reset the connection."""

    async def act(request):
        sock = request.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.writer.transport.abort()

    return act


async def followed_by_garbage(request):
    """Respond, and send something else a moment later."""
    await MADE(request)
    await asyncio.sleep(0.01)
    request.writer.write(b"garbage")


async def create_twice(*acts):
    """The outcomes of two creates, one after the other, and the server."""
    async with Adversary(*acts) as server, client(server) as skaha:
        first = await skaha.create(JOB)
        await asyncio.sleep(0.05)  # the end of the connection arrives
        return (first, await skaha.create(JOB)), server


@awaited
async def test_a_thousand_requests_use_one_connection_for_each_request_in_flight():
    async with Adversary(MADE) as server, client(server, concurrency=32) as skaha:
        assert set(await asyncio.gather(*(skaha.create(JOB) for _ in range(1000)))) == {DONE}
    assert len(server.requests) == 1000
    assert server.connections <= 32


@both_transports
@awaited
async def test_requests_one_after_the_other_use_one_connection():
    outcomes, server = await create_twice(MADE)
    assert outcomes == (DONE, DONE)
    assert server.connections == 1


@pytest.mark.parametrize(
    "act",
    [
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + ID),
        raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 8\r\n\r\n" + ID),
        raw(b"HTTP/1.1 200 OK\r\n\r\n" + ID),
        raw(b"HTTP/1.0 200 OK\r\n\r\n" + ID),
        kept(b"HTTP/1.0 200 OK\r\nContent-Length: 8\r\n\r\n" + ID),
        kept(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 8\r\n\r\n" + ID),
        followed_by_garbage,
    ],
    ids=["closed", "announced", "until-close", "http-1.0-until-close", "http-1.0", "only-announced", "garbage"],
)
@both_transports
@awaited
async def test_a_connection_that_ends_after_a_response_is_replaced_by_a_new_one(act):
    outcomes, server = await create_twice(act, MADE)
    assert outcomes == (DONE, DONE)
    assert (len(server.requests), server.connections) == (2, 2)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + ID,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nk2j\r\n5\r\n3h4g5\r\n0\r\nX-Trailer: 1\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + ID,
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(gzip.compress(ID, mtime=0))
        + gzip.compress(ID, mtime=0),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(zlib.compress(ID))
        + zlib.compress(ID),
    ],
    ids=["length", "chunked", "informational", "gzip", "deflate"],
)
@pytest.mark.parametrize("size", [1, 4096])
@both_transports
@awaited
async def test_a_response_is_read_in_pieces_of_any_size_and_the_connection_is_kept(head, size):
    async def act(request):
        for start in range(0, len(head), size):
            request.writer.write(head[start : start + size])
            await asyncio.sleep(0)

    outcomes, server = await create_twice(act)
    assert outcomes == (DONE, DONE)
    assert server.connections == 1


@pytest.mark.parametrize(
    "act",
    [
        reset(),
        raw(b"HTTP/1.1 100 Continue\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000),
        raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffffff\r\nk2j"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nk2j3h4g5\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nContent-Length: 9\r\n\r\n" + ID),
        raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\n" + ID),
    ],
    ids=["reset", "informational", "headers", "switch", "chunk", "no-last-chunk", "lengths", "not-gzip"],
)
@both_transports
@awaited
async def test_a_create_whose_response_cannot_be_read_is_unconfirmed_and_not_repeated(act):
    outcomes, server = await create_twice(act, MADE)
    assert [type(outcome) for outcome in outcomes] == [Unconfirmed, Accepted]
    assert (len(server.requests), server.connections) == (2, 2)


@both_transports
@awaited
async def test_a_connection_that_closes_as_the_next_request_arrives_leaves_it_unconfirmed():
    async def hang_up(request):
        request.writer.close()

    outcomes, server = await create_twice(MADE, hang_up)
    assert [type(outcome) for outcome in outcomes] == [Accepted, Unconfirmed]
    assert len(server.requests) == 2


class BlockingServer:
    """Responds to one request on each of two connections, and ends the first in a way, in a thread of its own."""

    def __init__(self, end):
        self.requests = 0
        self.ended = threading.Event()
        self._end = end
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/skaha/v1"
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listening.close()

    def _serve(self):
        with contextlib.suppress(OSError), self._accept() as first:
            time.sleep(0.05)  # the client has read the response
            self._end(first)
            self.ended.set()
            with self._accept() as second:
                second.recv(1)

    def _accept(self):
        connection, _ = self._listening.accept()
        data = b""
        while not data.endswith(b"type=headless"):
            data += connection.recv(65536)
        self.requests += 1
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + ID)
        return connection


@pytest.mark.parametrize(
    "end",
    [socket.socket.close, lambda connection: connection.shutdown(socket.SHUT_WR), lambda one: one.sendall(b"garbage")],
    ids=["closed", "half-closed", "garbage"],
)
@both_transports
@awaited
async def test_a_connection_that_ended_while_the_client_computed_is_not_used(end):
    """The event loop has no iteration between the end and the next request, as after a long computation."""
    with BlockingServer(end) as server:
        async with client(server.url) as skaha:
            assert await skaha.create(JOB) == DONE
            assert server.ended.wait(5)
            assert await skaha.create(JOB) == DONE
    assert server.requests == 2


@awaited
async def test_what_follows_a_response_is_never_the_response_to_the_next_request():
    two = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfirst123HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsecond12"
    outcomes, server = await create_twice(kept(two), MADE)
    assert outcomes == (Accepted("first123"), DONE)
    assert server.connections == 2


@awaited
async def test_a_server_that_closes_the_connection_in_the_tls_handshake_has_reset_it():
    async def serve(reader, writer):
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        peer = Peer("127.0.0.1", server.sockets[0].getsockname()[1], ssl.create_default_context())
        with pytest.raises(ConnectionResetError) as caught:
            await connect(peer, 5)
    assert caught.value.errno == errno.ECONNRESET


@asynccontextmanager
async def reading(act):
    """The URL of a server that does `act` for each connection, and an event that is set when the client ended one."""
    ended, tasks = asyncio.Event(), []

    async def serve(reader, writer):
        tasks.append(asyncio.current_task())
        with contextlib.suppress(ConnectionError):
            await act(reader, writer)
        writer.close()
        ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1024)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/skaha/v1", ended
        await asyncio.gather(*tasks)


@awaited
async def test_a_response_before_the_request_was_sent_is_read_and_the_connection_closed():
    async def refuse(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 X\r\nContent-Length: 8\r\n\r\ntoo long")
        await asyncio.sleep(0.1)
        while await reader.read(1 << 20):
            pass

    long = create_request("a", "b", args=("x" * 16_000_000,))
    async with reading(refuse) as (url, ended), client(url, clock=SystemClock()) as skaha:
        assert await skaha.create(long) == Refused(413, "too long")
        assert await skaha.create(long) == Refused(413, "too long")
        await asyncio.wait_for(ended.wait(), 10)


@both_transports
@awaited
async def test_a_canceled_request_ends_its_connection():
    async def ignore(reader, _):
        while await reader.read(65536):
            pass

    async with reading(ignore) as (url, ended), client(url) as skaha:
        creating = asyncio.ensure_future(skaha.create(JOB))
        await asyncio.sleep(0.05)
        creating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await creating
        await asyncio.wait_for(ended.wait(), 10)


@both_transports
@awaited
async def test_nothing_is_written_if_the_guard_refuses_after_the_connection_opened():
    asked = []

    async def guard():
        asked.append(server.connections)
        if len(asked) == 2:
            raise StateError("the lock is lost")

    async with Adversary(MADE) as server, client(server) as skaha:
        with pytest.raises(StateError, match="the lock is lost"):
            await skaha.guarded(guard).create(JOB)
        await asyncio.sleep(0.02)
        assert server.connections == 1
        assert await skaha.create(JOB) == DONE
    assert len(server.requests) == 1


@both_transports
@awaited
async def test_nothing_was_sent_if_no_address_of_the_host_takes_a_connection():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    async with client(f"http://localhost:{port}/skaha", patience=0.1) as skaha:
        assert await skaha.create(JOB) == Refused(0, "Connection refused")


@both_transports
@awaited
async def test_nothing_was_sent_if_the_connection_takes_too_long():
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}/skaha"
        async with client(url, connect=0.1, patience=0.2, clock=SystemClock()) as skaha:
            assert await skaha.create(JOB) == Refused(0, "no connection within the time limit")


@both_transports
@awaited
async def test_nothing_was_sent_if_the_server_does_not_speak_tls():
    async def respond(reader, writer):
        received.append(await reader.read(65536))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    received = []
    async with reading(respond) as (url, _), client(url.replace("http", "https"), patience=0.1) as skaha:
        outcome = await skaha.create(JOB)
    assert outcome.text.startswith("TLS failed: ")
    assert (type(outcome), outcome.status) == (Refused, 0)
    assert received
    assert not any(TOKEN.encode() in data for data in received)


def test_the_client_imports_neither_httpx_nor_another_client():
    code = "import sys, skaha_apply.skaha.client; print(*{'httpx', 'http.client', 'urllib.request'} & {*sys.modules})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def test_a_tls_context_needs_no_httpx():
    code = (
        "import sys; from skaha_apply.skaha.auth.login import Login, token_login; "
        "from skaha_apply.skaha.transport.tls import tls_context; "
        "tls_context(token_login('t', 'test')); print(*{'httpx', 'httpcore'} & {*sys.modules})"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def test_httpx_is_imported_without_its_command_line():
    code = (
        "import sys; from skaha_apply.lean_httpx import httpx; print(*{'httpcore', 'click', 'rich'} & {*sys.modules})"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""


def request_of(body=b"x", **headers):
    lengths = (("host", "localhost"), ("content-length", str(len(body))))
    return HttpRequest("POST", "/skaha", (*lengths, *headers.items()), body)


@asynccontextmanager
async def connected(server, idle=5.0):
    """A connection of the client to a server; it is closed at the end."""
    connection = HttpConnection(Peer("127.0.0.1", server.port, None), idle)
    yield connection
    await connection.aclose()


async def body_of(connection):
    pieces = []
    while (piece := await connection.read()) is not None:
        pieces.append(piece)
    await connection.end()
    return b"".join(pieces)


@pytest.mark.parametrize(("idle", "opened"), [(5.0, 1), (0.0, 2)])
@awaited
async def test_a_connection_is_not_used_after_its_idle_time(idle, opened):
    async with Adversary(MADE) as server, connected(server, idle) as connection:
        for _ in range(2):
            assert (await connection.send(request_of(), 5)).status == 200
            assert await body_of(connection) == ID + b"\n"
            await asyncio.sleep(0.01)
    assert server.connections == opened


@awaited
async def test_a_connection_takes_one_request_at_a_time():
    async with Adversary(MADE) as server, connected(server) as connection:
        await connection.send(request_of(), 5)
        with pytest.raises(ConnectionFailedError) as caught:
            await connection.send(request_of(), 5)
        assert not caught.value.sent
        await body_of(connection)
        assert (await connection.send(request_of(), 5)).status == 200


@awaited
async def test_a_request_that_http_forbids_is_an_error_and_not_sent():
    async with Adversary(MADE) as server, connected(server) as connection:
        with pytest.raises(ConnectionFailedError) as caught:
            await connection.send(request_of(x="secret\r\nb: c"), 5)
        assert "secret" not in str(caught.value)
    assert server.requests == []


@awaited
async def test_a_response_has_no_more_pieces_after_a_failure():
    incomplete = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + ID)
    async with Adversary(incomplete) as server, connected(server) as connection:
        await connection.send(request_of(), 5)
        for _ in range(2):
            with pytest.raises(ConnectionFailedError):
                await body_of(connection)
