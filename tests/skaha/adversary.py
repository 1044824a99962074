"""An HTTP server on loopback that does what servers, gateways and networks do on bad days, by script."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import heapq
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl

from skaha_apply.skaha.auth.login import token_login
from skaha_apply.skaha.client import Client, ClientOptions
from skaha_apply.skaha.transport.connections import IDLE
from skaha_apply.skaha.transport.httpx_connection import httpx_transport
from skaha_apply.skaha.transport.tls import tls_context

TOKEN = "token-that-nobody-may-see"
NOON = 1_800_000_000.0  # a Unix time for clocks that start somewhere
IN_USE = {"transport": "own"}  # set by `conftest` for tests that run over both transports


def awaited(test):
    """Run an asynchronous test in an event loop of its own, at most 30 s."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 30))

    return run


@dataclass
class Request:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    writer: asyncio.StreamWriter

    @property
    def form(self):
        return parse_qsl(self.body.decode(), keep_blank_values=True, strict_parsing=bool(self.body))


def reply(status=200, body: bytes | str = b"", kind="text/plain", **headers):
    """Send a whole response; `Retry_After="1"` stands for `Retry-After: 1`."""
    content = body.encode() if isinstance(body, str) else body

    async def act(request):
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(content)}"]
        lines += [f"Content-Type: {kind}"] if kind else []
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        request.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
        await request.writer.drain()

    return act


def raw(data: bytes):
    """Write these bytes and hang up."""

    async def act(request):
        request.writer.write(data)
        await request.writer.drain()
        request.writer.close()

    return act


def drop():
    """Read the request and hang up."""
    return raw(b"")


def cut(body: bytes):
    """Promise a longer body than is sent."""
    return raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n" + body)


def hang(gate: asyncio.Event | None = None, then=None):
    """Send nothing, forever or until `gate` is set."""

    async def act(request):
        if gate is None:
            await asyncio.sleep(3600)
        await gate.wait()
        await then(request)

    return act


class Adversary:
    """Does the next act of the script for each request; the last one again and again. An act may be keyed by method."""

    def __init__(self, *acts, tls=None):
        self.acts = list(acts)
        self.requests: list[Request] = []
        self.times: list[float] = []
        self.in_flight = self.most_in_flight = self.connections = 0
        self.clock = time.monotonic
        self._tls = tls
        self._tasks: set[asyncio.Task] = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/skaha/v1"
        return self

    @property
    def open(self):
        """The number of connections that are open."""
        return len(self._tasks)

    async def __aexit__(self, *error):
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader, writer):
        self.connections += 1
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            while not writer.is_closing():
                await self._serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
            with contextlib.suppress(Exception):
                await writer.wait_closed()

    async def _serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append(Request(method, target, headers, body, writer))
        self.times.append(self.clock())
        act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        self.in_flight += 1
        self.most_in_flight = max(self.in_flight, self.most_in_flight)
        try:
            await act(self.requests[-1])
        finally:
            self.in_flight -= 1

    @property
    def methods(self):
        return [request.method for request in self.requests]


class FastClock:
    """Sleeps in no time: the earliest sleeper wakes 10 ms of real time after a call of `sleep`, if `ready()` is true.

    It wakes only after `TURNS` more turns of the event loop. A busy machine may run the timer late, together with the
    requests that were due before it; these turns let them finish first.
    A time limit of 120 s ends after `real` seconds, shorter ones in proportion.
    """

    TURNS = 60
    SETTLE_S = 0.01

    def __init__(self, start=NOON, real=20.0, ready=lambda: True):
        self.start = start
        self._real = real
        self._ready = ready
        self.passed = 0.0
        self._sleepers = []
        self._count = 0

    def now(self):
        return self.start + self.passed

    def monotonic(self):
        return self.passed

    async def sleep(self, seconds):
        loop = asyncio.get_running_loop()
        woken = loop.create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self.passed + seconds, self._count, woken))
        loop.call_later(self.SETTLE_S, self._wake, self.TURNS)
        await woken

    def _wake(self, turns):
        if turns:
            asyncio.get_running_loop().call_soon(self._wake, turns - 1)
            return
        if not self._ready():
            asyncio.get_running_loop().call_later(self.SETTLE_S, self._wake, 0)
            return
        while self._sleepers:
            at, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                self.passed = max(self.passed, at)
                woken.set_result(None)
                return

    @contextlib.asynccontextmanager
    async def timeout(self, seconds):
        limit = asyncio.timeout(self._real * min(1.0, seconds / 120))
        try:
            async with limit:
                yield
        finally:
            if limit.expired():
                self.passed += seconds


def client(server, **options):
    """A client of an adversary (or of a URL), with a clock that runs fast and mean jitter.

    Tests with the marker `both_transports` run with the transport of the client, and with that of httpx.
    """
    url = getattr(server, "url", server)
    options.setdefault("clock", FastClock())
    options.setdefault("login", lambda: token_login(TOKEN, "the test"))
    options.setdefault("draw", lambda: 0.5)
    if IN_USE["transport"] == "httpx":
        options.setdefault("transport", lambda: _httpx_transport(url, options["login"]))
    return Client(ClientOptions(url, **options))


def _httpx_transport(url, login):
    return httpx_transport(tls_context(login()) if url.startswith("https") else None, None, IDLE)
