"""What a connection carries: a request, the head of its response, and the error if there is no complete response."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Guard = Callable[[], Awaitable[None]]


class HttpRequest(NamedTuple):
    """A request as it is written; `headers` holds all of them, with `host` and `content-length`.

    `target` is the path with the query, in ASCII.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""


class ResponseHead(NamedTuple):
    """Status and headers of a response. The names of headers are in lower case, and equal headers are joined."""

    status: int
    headers: Mapping[str, str]


class ConnectionFailedError(Exception):
    """A request got no complete response; the cause of the error is its `__cause__`.

    `sent` states whether the server might have received the request. The text never contains a part of the request.
    """

    def __init__(self, text: str, *, sent: bool = True) -> None:
        super().__init__(text)
        self.sent = sent


class HttpTransport(Protocol):
    """One connection to one server, which carries one request at a time. It is opened when a request needs it.

    Each error closes the connection. The next request opens a new one.
    """

    async def send(self, request: HttpRequest, connect_limit: float, guard: Guard | None = None) -> ResponseHead:
        """Send a request, and return the head of its response as soon as it arrived.

        `guard` is called after the connection is open, right before the request is written; its errors are raised.
        Opening the connection takes at most `connect_limit` seconds. Raises `ConnectionFailedError`.
        """
        ...

    async def read(self) -> bytes | None:
        """The next piece of the body, None at its end; raises `ConnectionFailedError`."""
        ...

    async def end(self) -> None:
        """Keep the connection if the response is complete and nothing follows it; close it otherwise."""
        ...

    async def aclose(self) -> None:
        """Close the connection."""
        ...
