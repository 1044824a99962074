"""Send requests to a remote state store, and repeat them by one policy.

This is the home of httpx in this folder. Its exceptions become a `NoStoreResponse`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.lean_httpx import httpx
from skaha_apply.model.durations import http_date
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
class StoreResponse:
    """A response of the store; `date` is its `Date` header in Unix seconds."""

    status: int
    body: bytes = b""
    retry_after: float = 0.0
    location: str = ""
    date: float | None = None

    @property
    def is_conclusive(self) -> bool:
        """Whether the response shows what happened: 429 and errors of the server do not, except 501."""
        return self.status == _NOT_IMPLEMENTED or (self.status < _SERVER_ERROR and self.status != _TOO_MANY)

    @property
    def text(self) -> str:
        """The status and the beginning of the body, for messages."""
        return f"{self.status} {self.body[:400].decode('utf-8', 'replace')}".strip()


@dataclass(frozen=True, slots=True)
class NoStoreResponse:
    """No response: it is unknown whether the request had an effect, unless there was no connection to send it."""

    text: str
    retry_after: float = 0.0
    is_conclusive: bool = False
    date: None = None
    is_sent: bool = True


def was_sent(response: StoreResponse | NoStoreResponse) -> bool:
    """Whether the store can have received the request."""
    return isinstance(response, StoreResponse) or response.is_sent


class BackendRequests:
    """Requests to one backend. Each opens its own connection: they are few, and so no client must be closed.

    Args:
        backend: the store.
        clocks: those of this machine.
        transport: replaces the network in tests.
    """

    def __init__(self, backend: Backend, clocks: Clocks, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._backend = backend
        self._clocks = clocks
        self._transport = transport
        self.time = StoreTime(clocks)

    async def send(
        self, method: str, url: str, body: bytes | None = None, lock_id: str = ""
    ) -> StoreResponse | NoStoreResponse:
        """Send one request without following redirects; the query gets `lock_id` as `ID`. Raises `StateError`."""
        headers = {} if body is None else _body_headers(body)
        try:
            if lock_id:
                url = str(httpx.URL(url).copy_merge_params({"ID": lock_id}))
            begun = self._clocks.moment()
            async with self._client() as client:
                response = await client.request(method, url, content=body, headers=headers)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            raise StateError("the address of the state is not an http address") from error
        except httpx.HTTPError as error:
            is_sent = not isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout))
            return NoStoreResponse(self._backend.mask(str(error)) or type(error).__name__, is_sent=is_sent)
        date = http_date(response.headers.get("Date"))
        self.time.record(date, begun)
        location = response.headers.get("Location", "")
        retry_after = _seconds(response.headers.get("Retry-After", ""))
        return StoreResponse(response.status_code, response.content, retry_after, location, date)

    async def send_with_retries(
        self, method: str, url: str, body: bytes | None = None
    ) -> StoreResponse | NoStoreResponse:
        """Send a request that can be sent twice; retry it until a response is conclusive or no retry is left.

        `is_sent` of the result is about all of them.
        """
        response = await self.send(method, url, body)
        is_sent = was_sent(response)
        for delay in self.retry_delays(response):
            await asyncio.sleep(delay)
            response = await self.send(method, url, body)
            is_sent = is_sent or was_sent(response)
            if response.is_conclusive:
                break
        return replace(response, is_sent=is_sent) if isinstance(response, NoStoreResponse) else response

    def retry_delays(self, response: StoreResponse | NoStoreResponse) -> Iterator[float]:
        """The seconds before each retry; none after a conclusive response."""
        if response.is_conclusive:
            return
        delay = max(self._backend.wait_min, response.retry_after)
        for _ in range(self._backend.retries):
            yield min(delay, self._backend.wait_max)
            delay *= 2

    def _client(self) -> httpx.AsyncClient:
        if self._transport is not None:
            return httpx.AsyncClient(transport=self._transport, timeout=_TIMEOUT, auth=self._auth)
        return httpx.AsyncClient(verify=self._verify, timeout=_TIMEOUT, auth=self._auth)

    @property
    def _auth(self) -> httpx.BasicAuth | None:
        user, password = self._backend.username, self._backend.password
        return httpx.BasicAuth(user, password) if user or password else None

    @cached_property
    def _verify(self) -> ssl.SSLContext:
        return httpx.create_ssl_context()  # load the certificates once, not for each connection


def _body_headers(body: bytes) -> Mapping[str, str]:
    digest = hashlib.md5(body, usedforsecurity=False).digest()
    return {"Content-Type": "application/json", "Content-MD5": base64.b64encode(digest).decode()}


def _seconds(retry_after: str) -> float:
    return float(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0.0
