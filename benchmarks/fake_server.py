"""A server that lists, creates and shows sessions, and runs none, so that a benchmark measures the client.

It is a process of its own on loopback and shares no code with the client. A benchmark changes it with `PUT /benchmark`
while it runs, and reads its counters with `GET /benchmark`.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from types import TracebackType

IMAGE = "images.canfar.net/skaha/astroml:24.07"
API = "/skaha/v1"
_CONTROL = "/benchmark"
_FIRST_MADE = 10**9  # above the numbers of sessions that a benchmark lists
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def session_id(number: int) -> str:
    """Return the ID of a session, eight letters as on the stock server."""
    return "s" + "".join(_LETTERS[number // 26**place % 26] for place in range(7))


def session_entry(number: int, name: str, status: str) -> bytes:
    """Return one indented item of a listing, with the fields and the size of the stock server."""
    entry = {
        "id": session_id(number),
        "userid": "astronomer", "runAsUID": "1000", "runAsGID": "1000", "supplementalGroups": [1000],
        "image": IMAGE, "type": "headless", "status": status, "name": name,
        "startTime": "2026-01-02T03:04:05Z", "expiryTime": "2036-01-16T03:04:05Z", "connectURL": "",
        "requestedRAM": "2.15", "requestedCPUCores": "1", "requestedGPUCores": "0", "isFixedResources": True,
    }  # fmt: skip
    return json.dumps(entry, indent=2).encode()


@dataclass
class Sessions:
    """All that the server knows: the sessions by ID, the latency of its responses in seconds, and its counters."""

    entries: dict[str, bytes] = field(default_factory=dict)
    latency: float = 0.0
    made: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    listing: bytes | None = None

    def change(self, wanted: dict[str, Any]) -> None:
        """Set the latency, replace all sessions by ranges (see `FakeServer.change`), and reset the counters."""
        self.latency = wanted.get("latency", self.latency)
        if "sessions" in wanted:
            self.entries, self.listing = {}, None
            for name, first, last, status in wanted["sessions"]:
                for number in range(first, last + 1):
                    self._add(number, f"{name}-{number}", status)
        self.counts.clear()

    def create(self, name: str) -> bytes:
        """Return the ID of a new, running session."""
        self.made += 1
        return self._add(_FIRST_MADE + self.made, name, "Running") + b"\n"

    def _add(self, number: int, name: str, status: str) -> bytes:
        identifier = session_id(number)
        self.entries[identifier] = session_entry(number, name, status)
        self.listing = None
        return identifier.encode()

    def listed(self) -> bytes:
        """Return the response of a listing. The text is kept until a session changes."""
        if self.listing is None:
            self.listing = b"[\n" + b",\n".join(self.entries.values()) + b"\n]"
        return self.listing

    def respond(self, method: str, target: str, body: str) -> tuple[str, str, bytes]:
        """Return the status, the content type and the body of the response to one request."""
        path, _, query = target.partition("?")
        if path == _CONTROL:
            if method == "PUT":
                self.change(json.loads(body))
            return "200 OK", "application/json", json.dumps(self.counts).encode()
        route, _, identifier = path.removeprefix(API).removeprefix("/").partition("/")
        self.counts[f"{method} {route}"] += 1
        if route != "session":
            return "404 Not Found", "text/plain", b"not found\n"
        if method == "POST":
            return "200 OK", "text/plain", self.create({**parse_qs(query), **parse_qs(body)}["name"][0].lower())
        if not identifier:
            return "200 OK", "application/json", self.listed()
        if identifier in self.entries:
            return "200 OK", "application/json", self.entries[identifier]
        return "404 Not Found", "text/plain", f"session {identifier} not found\n".encode()


class Connection(asyncio.Protocol):
    """One connection of HTTP/1.1 with bodies of known length, one request at a time."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, to which responses go."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Respond to a request once all of it is there, after the latency."""
        self._buffer += data
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = sum(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:"))
        if not end or len(rest) < length:
            return
        self._buffer = rest[length:]
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split()
        status, kind, body = self._sessions.respond(method, target, rest[:length].decode())
        response = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        if self._sessions.latency and target != _CONTROL:
            asyncio.get_running_loop().call_later(self._sessions.latency, self._transport.write, response)
        else:
            self._transport.write(response)


class FakeServer:
    """The process of a fake server; a context manager that ends it."""

    def __init__(self) -> None:
        command = [sys.executable, __file__]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._origin = f"http://127.0.0.1:{self._process.stdout.readline().strip()}"
        self.url = self._origin + API

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()  # the end of its standard input ends it

    def change(self, sessions: list[tuple[str, int, int, str]] | None = None, latency: float = 0.0) -> None:
        """Replace all sessions by ranges (name, first number, last number, status), unless None; reset the counters."""
        wanted: dict[str, Any] = {"latency": latency}
        if sessions is not None:
            wanted["sessions"] = sessions
        self._ask("PUT", wanted)

    def counts(self) -> Counter[str]:
        """Return the number of requests since the last change, by method and route, such as `POST session`."""
        return Counter(self._ask("GET"))

    def _ask(self, method: str, wanted: dict[str, Any] | None = None) -> dict[str, int]:
        body = None if wanted is None else json.dumps(wanted).encode()
        with urlopen(Request(self._origin + _CONTROL, data=body, method=method)) as response:
            counts: dict[str, int] = json.load(response)
        return counts


async def serve() -> None:
    """Print the port, and serve until standard input ends."""
    sessions, loop = Sessions(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(sessions), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
