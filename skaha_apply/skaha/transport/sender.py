"""Send one request with the credential in use, within the time limits of its kind."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from skaha_apply.model import __version__
from skaha_apply.skaha.address import base_url
from skaha_apply.skaha.auth.credential import Credential
from skaha_apply.skaha.transport.clock import ServerTime
from skaha_apply.skaha.transport.connections import Connections, TimeLimits
from skaha_apply.skaha.transport.retry import Effect, Reply, Response

if TYPE_CHECKING:
    from skaha_apply.skaha.auth.login import Login
    from skaha_apply.skaha.options import ClientOptions
    from skaha_apply.skaha.requests import ApiRequest
    from skaha_apply.skaha.transport.http_message import Guard

_LOG_FACTOR = 5  # the time limit of a log, which can be a thousand times as long as any other response
_BODY_FACTOR = 3  # the time limit of a body that keeps arriving, as a multiple of the remaining patience
_log = logging.getLogger("skaha_apply.http")


class Sender:
    """Sends requests to one server, with connections for the certificate in use.

    Args:
        options: see `ClientOptions`; raises `UsageError` for an address that cannot be one of a server.
    """

    def __init__(self, options: ClientOptions) -> None:
        self.base = base_url(options.server, "the server's address")
        self.time = ServerTime(options.clock)
        self.credential = Credential(options.login, options.renew, options.clock, self.time.now)
        self._options = options
        self._path = urlsplit(self.base).path
        self._connections: Connections | None = None
        self._connected_as: Login | None = None

    @property
    def login(self) -> Login | None:
        """The credential in use; None before it was read."""
        return self.credential.login

    def without_secrets(self, text: str) -> str:
        """`text` without the secrets of the credential and of earlier ones."""
        return self.login.without_secrets(text) if self.login else text

    async def look_up_login(self) -> None:
        """Read the credential again; raises the errors of `Credential.read`."""
        await self.credential.read()
        await self._connect()

    async def has_new_login(self, begun: float, generation: int) -> bool:
        """Read the credential after a 401; returns whether it differs from that of the refused request.

        `begun` and `generation` are those of the request, as in `Credential.after_refusal`. Raises its errors.
        """
        changed = await self.credential.after_refusal(begun, generation)
        await self._connect()
        return changed

    async def _connect(self) -> None:
        """Make connections that present the certificate in use, unless the present ones do."""
        login, before, old = self.login, self._connected_as, self._connections
        if login is None or (old is not None and before is not None and before.pem == login.pem):
            return
        self._connections = Connections(self.base, login, self._options.clock, self._options.transport)
        self._connected_as = login
        if old:
            await old.close()

    async def send(self, request: ApiRequest, left: float, guard: Guard | None) -> Reply:
        """Send a request once; `left` are the seconds of patience that remain. Raises the errors of `guard`."""
        assert self._connections is not None  # noqa: S101 - `Exchange.perform` has read the credential
        clock = self._options.clock
        begun = clock.monotonic()
        reply = await self._connections.send(request, self._headers(request), self._time_limits(request, left), guard)
        took = (clock.monotonic() - begun) * 1000
        if isinstance(reply, Response):
            self.time.record(reply.headers.get("date"), reply.took)
            _log.info("%s %s/%s %d %.0f ms", request.method, self._path, request.path, reply.status, took)
        else:
            _log.info("%s %s/%s: %s, %.0f ms", request.method, self._path, request.path, reply.text, took)
        return reply

    @property
    def is_ready(self) -> bool:
        """Whether the credential was read, and connections can be opened."""
        return self._connections is not None

    def _time_limits(self, request: ApiRequest, left: float) -> TimeLimits:
        """The time limits of one try when `left` seconds of patience remain.

        A read waits for a silent server at most `left`, before and within the body. A body that keeps arriving has a
        few times as long: a list of 10,000 sessions is 7 MB. A log can be silent for longer, because the server copies
        a long one in small pieces [CommandExecutioner]. A write always has the full time, because an early end leaves
        its outcome unconfirmed.
        """
        most = self._options.response
        connect = min(self._options.connect, left)
        if request.effect is not Effect.READ:
            return TimeLimits(connect, most, most, most)
        if request.tail:
            return TimeLimits(connect, min(most, left), most, most * _LOG_FACTOR)
        return TimeLimits(connect, min(most, left), min(most, left), min(most, left * _BODY_FACTOR))

    def _headers(self, request: ApiRequest) -> list[tuple[str, str]]:
        headers = [("user-agent", f"skaha-apply/{__version__}"), ("accept", "*/*"), *request.headers]
        if self.login and self.login.token:
            headers.append(("authorization", f"Bearer {self.login.token.reveal()}"))
        return headers

    async def close(self) -> None:
        """Close all connections."""
        if self._connections:
            await self._connections.close()
