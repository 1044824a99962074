"""The web application: reads requests as Tomcat and SyncInput do, injects faults, and sends the sandbox's own Date."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from skaha_apply.sandbox.faults.request_log import LoggedRequest
from skaha_apply.sandbox.http import skaha_routes
from skaha_apply.sandbox.http.framework import reply_without_action, run_action
from skaha_apply.sandbox.http.parameters import RequestParameters, decode_body, decode_form, read_parameters
from skaha_apply.sandbox.http.request_target import RoutedRequest, locate
from skaha_apply.sandbox.http.responses import HTML, JSON, Refusal, Reply, text, tomcat_page, unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from skaha_apply.sandbox.faults.fault_injector import Fault
    from skaha_apply.sandbox.http.access import Accounts
    from skaha_apply.sandbox.http.control_routes import ControlRoutes
    from skaha_apply.sandbox.http.request_target import Platform, RequestTarget

MAX_HEAD_BYTES = 8 * 1024
_LOGIN_PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body><h1>Please sign in</h1></body></html>"


class ConnectionDropped(Exception):
    """The connection must be closed without a response."""


class SandboxApplication:
    """An ASGI application; `drop` closes the connection of a client address without a response."""

    def __init__(
        self, platform: Platform, accounts: Accounts, control: ControlRoutes, drop: Callable[[tuple[str, int]], None]
    ) -> None:
        self.platform = platform
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
            reply = await self._respond(request)
        except Refusal as refusal:
            reply = refusal.reply
        except ClientDisconnect:
            return
        except ConnectionDropped:
            self._drop(scope["client"])
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        headers = {**reply.headers, "Date": self.platform.cluster.clock.http_date()}
        if reply.media_type:
            headers["Content-Type"] = reply.media_type
        response = Response(reply.body, reply.status, headers)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Reply:
        if _head_size(request.scope) > MAX_HEAD_BYTES:
            return tomcat_page(400, "Bad Request")
        path: str = request.scope["path"]
        if path.startswith("/sandbox/"):
            return await self._handle_control(request, path.removeprefix("/sandbox"))
        self.last_request = time.monotonic()
        found: Reply | None = None
        if path.startswith("/skaha/"):
            target = locate(path.removeprefix("/skaha"), v0=self.control.options.v0)
            found = await self._handle_skaha(request, target) if target else None
        else:
            found = skaha_routes.interactive_page(self.platform, path)
        return found or tomcat_page(404, "Not Found")

    async def _handle_control(self, request: Request, path: str) -> Reply:
        """Respond to a control route, for the owner only. A status query does not count as use of the sandbox."""
        if self.accounts.userid(request.headers.get("authorization")) != self.control.options.userid:
            return text("only the owner of the sandbox can use the control routes\n", 403)
        if path != "/status" or "touch" in request.query_params:
            self.last_request = time.monotonic()
        return await self.control.handle(request.method, path, dict(request.query_params), await request.body())

    async def _handle_skaha(self, request: Request, target: RequestTarget) -> Reply:
        entry = LoggedRequest(
            0, request.method, request.scope["path"], target.route, self.platform.cluster.clock.now(), [], []
        )
        began = time.monotonic()
        self.control.log.begin(entry)
        try:
            reply = await self._handle_logged(request, entry, target)
        except Refusal as refusal:
            entry.status = refusal.reply.status
            raise
        else:
            entry.status = reply.status
            return reply
        finally:
            entry.seconds = time.monotonic() - began
            self.control.log.end(entry)

    async def _handle_logged(self, request: Request, entry: LoggedRequest, target: RequestTarget) -> Reply:
        refused = reply_without_action(request.method, target.service)
        if refused is not None:
            return refused
        read = await self._read(request, entry)
        names = (value for key, value in (*entry.query, *entry.body) if key.lower() == "name")
        fault = self.control.faults.next_fault(request.method, entry.route, next(names, None))
        entry.fault = fault.kind
        if fault.latency:
            await asyncio.sleep(fault.latency)
        instead = await self._fault_before_action(fault, request) if fault.kind else None
        if instead is not None:
            return instead
        reply = skaha_routes.open_document(target.service) or self._run_action(request, entry, target, read)
        return await self._fault_after_action(fault, request, reply)

    async def _read(self, request: Request, entry: LoggedRequest) -> Callable[[], RequestParameters]:
        """Read and log the body; return the function that reads the parameters."""
        content_type = request.headers.get("content-type", "")
        entry.query = decode_form(request.scope["query_string"])
        refusal: Refusal | None = None
        try:
            if request.method == "POST":  # a GET or DELETE keeps its query, whatever its body
                entry.body = decode_body(content_type, await request.body())
        except Refusal as error:
            refusal = error

        def read() -> RequestParameters:
            if refusal is not None:
                raise refusal
            return read_parameters(request.method, content_type, entry.query, entry.body)

        return read

    def _run_action(
        self, request: Request, entry: LoggedRequest, target: RequestTarget, read: Callable[[], RequestParameters]
    ) -> Reply:
        def action(userid: str, parameters: RequestParameters) -> Reply:
            entry.userid = userid
            lag = self.control.faults.list_lag
            reply = skaha_routes.handle(
                self.platform, RoutedRequest(request.method, target, userid, parameters, request.headers, lag)
            )
            if request.method == "POST" and entry.route == "/session":
                entry.session = reply.body.decode().strip()
            return reply

        return run_action(self.accounts, request.headers.get("authorization"), read, action)

    async def _fault_before_action(self, fault: Fault, request: Request) -> Reply | None:
        """Inject a fault before the action has an effect; None if the action must run."""
        if fault.kind == "drop_before":
            raise ConnectionDropped
        if fault.kind == "hang":
            await _wait_for_disconnect(request)
            raise ClientDisconnect
        seconds = self.control.faults.retry_after
        instead: dict[str, Reply] = {
            "503": unavailable(request.url.path, seconds),
            "429": Reply(429, b"Too Many Requests\n", headers={"Retry-After": str(seconds)}),
            "500": _unexpected("java.lang.RuntimeException"),
            "html": Reply(200, _LOGIN_PAGE, HTML),
            "refuse": text(fault.text, fault.status),
            "empty_list": Reply(200, b"[]", JSON),
            "no_effect": Reply(),
        }
        return instead.get(fault.kind)

    async def _fault_after_action(self, fault: Fault, request: Request, reply: Reply) -> Reply:
        """Inject a fault after the action had its effect."""
        match fault.kind:
            case "drop_after":
                raise ConnectionDropped
            case "hang_after":
                await _wait_for_disconnect(request)
                raise ClientDisconnect
            case "500_after":
                return _unexpected("java.io.IOException")
            case "cut_json" if reply.media_type == JSON:
                return Reply(reply.status, reply.body[: len(reply.body) // 2], JSON)
            case _:
                return reply


def _unexpected(java_class: str) -> Reply:
    return text(f"unexpected exception: {java_class}: injected by the fault plan of the sandbox", 500)


def _head_size(scope: Scope) -> int:
    """Return the number of bytes of request line and headers as they were sent."""
    line = (
        len(scope["method"]) + len(scope.get("raw_path") or b"") + len(scope["query_string"]) + len("  ? HTTP/1.1\r\n")
    )
    return line + sum(len(name) + len(value) + len(": \r\n") for name, value in scope["headers"]) + len("\r\n")


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
