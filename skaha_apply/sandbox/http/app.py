"""The web application: reads a request as Tomcat and SyncInput do, lets faults strike, answers with its own Date."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from skaha_apply.sandbox.faults.request_log import Entry
from skaha_apply.sandbox.http import routes
from skaha_apply.sandbox.http.calls import Call, locate
from skaha_apply.sandbox.http.framework import answer_without_action, perform
from skaha_apply.sandbox.http.parameters import Parameters, decode_body, decode_form, read_parameters
from skaha_apply.sandbox.http.responses import HTML, JSON, Answer, Refusal, text, tomcat_page, unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from skaha_apply.sandbox.faults.faults import Fault
    from skaha_apply.sandbox.http.access import Accounts
    from skaha_apply.sandbox.http.calls import Place, Service
    from skaha_apply.sandbox.http.control import Control

MAX_HEAD_BYTES = 8 * 1024
_LOGIN_PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body><h1>Please sign in</h1></body></html>"


class Dropped(Exception):
    """The connection is to be closed without an answer."""


class Application:
    """An ASGI application; `drop` closes the connection of a client address without an answer."""

    def __init__(
        self, service: Service, accounts: Accounts, control: Control, drop: Callable[[tuple[str, int]], None]
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
        if answer.media_type:
            headers["Content-Type"] = answer.media_type
        response = Response(answer.body, answer.status, headers)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Answer:
        if _head_size(request.scope) > MAX_HEAD_BYTES:
            return tomcat_page(400, "Bad Request")
        path: str = request.scope["path"]
        if path.startswith("/sandbox/"):
            return await self._control(request, path.removeprefix("/sandbox"))
        self.last_request = time.monotonic()
        found: Answer | None = None
        if path.startswith("/skaha/"):
            place = locate(path.removeprefix("/skaha"), v0=self.control.options.v0)
            found = await self._skaha(request, place) if place else None
        else:
            found = routes.stand_in_page(self.service, path)
        return found or tomcat_page(404, "Not Found")

    async def _control(self, request: Request, path: str) -> Answer:
        """Answer a control route, for the owner only; asking for the status does not keep the sandbox alive."""
        if self.accounts.userid(request.headers.get("authorization")) != self.control.options.userid:
            return text("the control routes belong to the owner of the sandbox\n", 403)
        if path != "/status" or "touch" in request.query_params:
            self.last_request = time.monotonic()
        return await self.control.answer(request.method, path, dict(request.query_params), await request.body())

    async def _skaha(self, request: Request, place: Place) -> Answer:
        entry = Entry(0, request.method, request.scope["path"], place.route, self.service.cluster.clock.now(), [], [])
        began = time.monotonic()
        self.control.log.begin(entry)
        try:
            answer = await self._act(request, entry, place)
        except Refusal as refusal:
            entry.status = refusal.answer.status
            raise
        else:
            entry.status = answer.status
            return answer
        finally:
            entry.seconds = time.monotonic() - began
            self.control.log.end(entry)

    async def _act(self, request: Request, entry: Entry, place: Place) -> Answer:
        refused = answer_without_action(request.method, place.service)
        if refused is not None:
            return refused
        read = await self._read(request, entry)
        names = (value for key, value in (*entry.query, *entry.body) if key.lower() == "name")
        fault = self.control.faults.draw(request.method, entry.route, next(names, None))
        entry.fault = fault.kind
        if fault.latency:
            await asyncio.sleep(fault.latency)
        instead = await self._before(fault, request) if fault.kind else None
        if instead is not None:
            return instead
        answer = routes.open_document(place.service) or self._perform(request, entry, place, read)
        return await self._after(fault, request, answer)

    async def _read(self, request: Request, entry: Entry) -> Callable[[], Parameters]:
        """Read the body and note what was sent; give the function that reads the parameters."""
        content_type = request.headers.get("content-type", "")
        entry.query = decode_form(request.scope["query_string"])
        sent = await request.body() if request.method == "POST" else b""
        refusal: Refusal | None = None
        try:
            entry.body = decode_body(content_type, sent)
        except Refusal as error:
            refusal = error

        def read() -> Parameters:
            if refusal is not None:
                raise refusal
            return read_parameters(request.method, content_type, entry.query, entry.body)

        return read

    def _perform(self, request: Request, entry: Entry, place: Place, read: Callable[[], Parameters]) -> Answer:
        def action(userid: str, parameters: Parameters) -> Answer:
            entry.userid = userid
            lag = self.control.faults.plan.list_lag_s
            answer = routes.answer(self.service, Call(request.method, place, userid, parameters, request.headers, lag))
            if request.method == "POST" and entry.route == "/session":
                entry.session = answer.body.decode().strip()
            return answer

        return perform(self.accounts, request.headers.get("authorization"), read, action)

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
