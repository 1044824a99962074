"""The web application: reads a request as Tomcat and SyncInput do, lets faults strike, answers with its own Date."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from skaha_apply.sandbox import routes
from skaha_apply.sandbox.answers import HTML, JSON, Answer, Refusal, text, tomcat_page, unavailable
from skaha_apply.sandbox.parameters import Parameters, sent_pairs, urlencoded
from skaha_apply.sandbox.requestlog import Entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from skaha_apply.sandbox.access import Accounts
    from skaha_apply.sandbox.control import Control
    from skaha_apply.sandbox.faults import Fault

MAX_HEAD_BYTES = 8 * 1024
_LOGIN_PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body><h1>Please sign in</h1></body></html>"


class Dropped(Exception):
    """The connection is to be closed without an answer."""


class Application:
    """An ASGI application; `drop` closes the connection of a client address without an answer."""

    def __init__(
        self, service: routes.Service, accounts: Accounts, control: Control, drop: Callable[[tuple[str, int]], None]
    ) -> None:
        self.service = service
        self.accounts = accounts
        self.control = control
        self.last_request = time.monotonic()
        self._drop = drop

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except Refusal as refusal:
            answer = refusal.answer
        except ClientDisconnect:
            return
        except Dropped:
            self._drop(scope["client"])
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        headers = {**answer.headers, "Date": self.service.cluster.clock.http_date()}
        response = Response(answer.body, answer.status, headers, answer.media_type)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Answer:
        if _head_size(request.scope) > MAX_HEAD_BYTES:
            return tomcat_page(400, "Bad Request")
        path = request.url.path
        if path.startswith("/sandbox/"):
            return await self._control(request, path.removeprefix("/sandbox"))
        self.last_request = time.monotonic()
        if path.startswith("/skaha/"):
            return await self._skaha(request, path.removeprefix("/skaha"))
        parts = path.strip("/").split("/")
        session = self.service.cluster.sessions.get(parts[-1])
        if parts[0] == "session" and session is not None and session.kind == parts[1]:
            return routes.stand_in_page(session.kind, session.id)
        return tomcat_page(404, "Not Found")

    async def _control(self, request: Request, path: str) -> Answer:
        """Answer a control route, for the owner only; asking for the status does not keep the sandbox alive."""
        if self.accounts.userid(request.headers.get("authorization")) != self.control.options.userid:
            return text("the control routes belong to the owner of the sandbox\n", 403)
        if path != "/status" or "touch" in request.query_params:
            self.last_request = time.monotonic()
        return await self.control.answer(request.method, path, dict(request.query_params), await request.body())

    async def _skaha(self, request: Request, path: str) -> Answer:
        place = routes.locate(path, v0=self.control.options.v0)
        if place is None:
            return tomcat_page(404, "Not Found")
        route, identifier = place
        entry = Entry(0, request.method, request.url.path, route, self.service.cluster.clock.now(), [], [])
        began = time.monotonic()
        self.control.log.begin(entry)
        try:
            answer = await self._act(request, entry, identifier)
        except Refusal as refusal:
            entry.status = refusal.answer.status
            raise
        else:
            entry.status = answer.status
            return answer
        finally:
            entry.seconds = time.monotonic() - began
            self.control.log.end(entry)

    async def _act(self, request: Request, entry: Entry, identifier: str | None) -> Answer:
        route = entry.route
        if request.method not in routes.METHODS.get(route, ("GET",)):
            return routes.not_allowed(route)
        entry.query = urlencoded(request.scope["query_string"])
        pairs = await sent_pairs(request)
        if request.method == "POST":
            entry.body = pairs[len(entry.query) :] if pairs[: len(entry.query)] == entry.query else pairs
        name = next((value for key, value in pairs if key.lower() == "name"), None)
        fault = self.control.faults.draw(request.method, route, name)
        entry.fault = fault.kind
        if fault.latency:
            await asyncio.sleep(fault.latency)
        instead = await self._before(fault, request) if fault.kind else None
        if instead is not None:
            return instead
        if route in ("/capabilities", "/availability"):
            return routes.document_of(route)
        entry.userid = self.accounts.userid(request.headers.get("authorization"))
        lag = self.control.faults.plan.list_lag_s
        call = routes.Call(request.method, route, identifier, entry.userid, Parameters(pairs), request.headers, lag)
        answer = routes.answer(self.service, call)
        if request.method == "POST" and route == "/session":
            entry.session = answer.body.decode().strip()
        return await self._after(fault, request, answer)

    async def _before(self, fault: Fault, request: Request) -> Answer | None:
        """Let a fault strike that leaves no effect; None when the request goes on."""
        if fault.kind == "drop_before":
            raise Dropped
        if fault.kind == "hang":
            await _wait_for_the_client_to_leave(request)
            raise ClientDisconnect
        seconds = self.control.faults.plan.retry_after
        instead: dict[str, Answer] = {
            "503": unavailable(request.url.path, seconds),
            "429": Answer(429, b"Too Many Requests\n", headers={"Retry-After": str(seconds)}),
            "500": _unexpected("java.lang.RuntimeException"),
            "html": Answer(200, _LOGIN_PAGE, HTML),
            "refuse": text(fault.text, fault.status),
            "empty_list": Answer(200, b"[]", JSON),
            "no_effect": Answer(),
        }
        return instead.get(fault.kind)

    async def _after(self, fault: Fault, request: Request, answer: Answer) -> Answer:
        """Let a fault strike whose request has had its effect."""
        match fault.kind:
            case "drop_after":
                raise Dropped
            case "hang_after":
                await _wait_for_the_client_to_leave(request)
                raise ClientDisconnect
            case "500_after":
                return _unexpected("java.io.IOException")
            case "cut_json" if answer.media_type == JSON:
                return Answer(answer.status, answer.body[: len(answer.body) // 2], JSON)
            case _:
                return answer


def _unexpected(java_class: str) -> Answer:
    return text(f"unexpected exception: {java_class}: ordered by the faults of the sandbox", 500)


def _head_size(scope: Scope) -> int:
    """Give the bytes of request line and headers as they were sent."""
    line = (
        len(scope["method"]) + len(scope.get("raw_path") or b"") + len(scope["query_string"]) + len("  ? HTTP/1.1\r\n")
    )
    return line + sum(len(name) + len(value) + len(": \r\n") for name, value in scope["headers"]) + len("\r\n")


async def _wait_for_the_client_to_leave(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
