"""One request to a remote state store, and the one policy by which it is repeated.

The home of httpx in this folder: its exceptions end here, as an answer that did not come.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import httpx

from skaha_apply.model.dates import http_date
from skaha_apply.model.errors import StateError
from skaha_apply.state.clocks import Clocks, StoreTime

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping

    from skaha_apply.state.http.config import Backend

_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_TOO_MANY = 429
_SERVER_ERROR = 500
_NOT_IMPLEMENTED = 501


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of the store; `date` is its `Date` header in Unix seconds."""

    status: int
    body: bytes = b""
    retry_after: float = 0.0
    location: str = ""
    date: float | None = None

    @property
    def clear(self) -> bool:
        """Whether it tells what happened: 429 and the server's own errors do not, but for 501."""
        return self.status == _NOT_IMPLEMENTED or (self.status < _SERVER_ERROR and self.status != _TOO_MANY)

    @property
    def text(self) -> str:
        """The status and the first of the body, for messages."""
        return f"{self.status} {self.body[:400].decode('utf-8', 'replace')}".strip()


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer: whether the request had an effect is not known."""

    text: str
    retry_after: float = 0.0
    clear: bool = False
    date: None = None


class Wire:
    """Requests to one backend. Each opens a connection of its own: they are few, and no client is left to close.

    Args:
        backend: the store.
        clocks: those of this machine.
        transport: another way to the store than the network, for tests.
    """

    def __init__(self, backend: Backend, clocks: Clocks, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._backend = backend
        self._clocks = clocks
        self._transport = transport
        self.time = StoreTime(clocks)

    async def ask(self, method: str, url: str, body: bytes | None = None, lock_id: str = "") -> Answer | Lost:
        """Send one request; redirects are not followed. `lock_id` goes into the query as `ID`. Raises `StateError`."""
        headers = {} if body is None else _describe(body)
        try:
            if lock_id:
                url = str(httpx.URL(url).copy_merge_params({"ID": lock_id}))
            begun = self._clocks.moment()
            async with self._client() as client:
                reply = await client.request(method, url, content=body, headers=headers)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            raise StateError("the address of the state is no http address") from error
        except httpx.HTTPError as error:
            return Lost(self._backend.scrub(str(error)) or type(error).__name__)
        date = http_date(reply.headers.get("Date"))
        self.time.learn(date, begun)
        location = reply.headers.get("Location", "")
        return Answer(reply.status_code, reply.content, _seconds(reply.headers.get("Retry-After", "")), location, date)

    async def again(self, method: str, url: str, body: bytes | None = None) -> Answer | Lost:
        """The same for what may be sent twice: repeated while there is no clear answer, as the retries allow."""
        answer = await self.ask(method, url, body)
        for pause in self.pauses(answer):
            await asyncio.sleep(pause)
            answer = await self.ask(method, url, body)
            if answer.clear:
                break
        return answer

    def pauses(self, answer: Answer | Lost) -> Iterator[float]:
        """The seconds before each retry after an unclear `answer`; none after a clear one."""
        if answer.clear:
            return
        pause = max(self._backend.wait_min, answer.retry_after)
        for _ in range(self._backend.retries):
            yield min(pause, self._backend.wait_max)
            pause *= 2

    def _client(self) -> httpx.AsyncClient:
        if self._transport is not None:
            return httpx.AsyncClient(transport=self._transport, timeout=_TIMEOUT, auth=self._auth)
        return httpx.AsyncClient(verify=self._verify, timeout=_TIMEOUT, auth=self._auth)

    @property
    def _auth(self) -> httpx.BasicAuth | None:
        given = self._backend
        return httpx.BasicAuth(given.username, given.password) if given.username or given.password else None

    @cached_property
    def _verify(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()  # certificates are loaded once, not with each connection


def _describe(body: bytes) -> Mapping[str, str]:
    digest = hashlib.md5(body, usedforsecurity=False).digest()
    return {"Content-Type": "application/json", "Content-MD5": base64.b64encode(digest).decode()}


def _seconds(retry_after: str) -> float:
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0
