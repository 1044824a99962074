"""The server process: one for each data folder, on 127.0.0.1 only; it ends its sessions before it ends."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from skaha_apply.sandbox.clock import SandboxClock
from skaha_apply.sandbox.data_folder import prepare, server_lock, write_private
from skaha_apply.sandbox.http.access import Accounts, IssuedTokens
from skaha_apply.sandbox.http.app import SandboxApplication
from skaha_apply.sandbox.http.control_routes import ControlRoutes
from skaha_apply.sandbox.http.request_target import Platform
from skaha_apply.sandbox.options import LEAST_TTL_S, SandboxError, SandboxOptions, checked
from skaha_apply.sandbox.platform import catalog, processes
from skaha_apply.sandbox.platform.cluster import Cluster
from skaha_apply.sandbox.platform.database import SessionDatabase
from skaha_apply.sandbox.platform.desktop_apps import DesktopApps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TICK_S = 0.25
_MAX_HEAD_BYTES = 256 * 1024
# As servers in front of Skaha do. It is longer than the 5 s after which a client stops using an idle connection, so
# that the sandbox closes no connection on which a request is just sent.
_KEEP_ALIVE_S = 20
_transports: dict[tuple[str, int], asyncio.Transport] = {}


class _Connection(H11Protocol):
    """Records its transport, so that a fault can close the connection without a response."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        super().connection_made(transport)
        if self.client is not None:
            _transports[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client is not None:
            _transports.pop(self.client, None)
        super().connection_lost(exc)


class _Server(uvicorn.Server):
    """Calls `listening` when the port is open; leaves signals to `serve`."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()


def serve(options: SandboxOptions, listening: Callable[[str], object] | None = None) -> None:
    """Serve until SIGTERM, SIGINT, SIGHUP or `options.idle`.

    Calls `listening` with the base URL when the port is open. Raises SandboxError if the server cannot start.
    """
    options = _prepared(options)
    with server_lock(options.data), _listen(options.port) as listener:
        asyncio.run(_serve(options, listener, listening or str))


def _prepared(options: SandboxOptions) -> SandboxOptions:
    if options.slots < 1:
        raise SandboxError(f"slots must be at least 1, not {options.slots}")
    workdir = options.workdir.resolve()
    if not workdir.is_dir():
        raise SandboxError(f"the working directory {workdir} does not exist", "create it, or pass another --workdir")
    rehearsal = checked(options.rehearsal)
    prepare(options.data)
    return replace(_accelerated(options), data=options.data.resolve(), workdir=workdir, rehearsal=rehearsal)


def _accelerated(options: SandboxOptions) -> SandboxOptions:
    """The options, with all times of sessions divided by the speed."""
    speed = options.rehearsal.speed
    return replace(
        options,
        ttl=max(options.ttl / speed, min(options.ttl, LEAST_TTL_S)),
        interactive_ttl=max(options.interactive_ttl / speed, min(options.interactive_ttl, LEAST_TTL_S)),
        deadline=options.deadline / speed,
        interactive_deadline=options.interactive_deadline / speed,
        grace=options.grace / speed,
    )


@contextmanager
def _listen(port: int) -> Iterator[socket.socket]:
    with socket.socket(
        socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    ) as listener:  # TCP named: sets TCP_NODELAY
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise SandboxError(
                f"port {port} of 127.0.0.1: {error}", "choose another port, or 0 for a free one"
            ) from None
        listener.listen(1024)
        yield listener


async def _serve(options: SandboxOptions, listener: socket.socket, listening: Callable[[str], object]) -> None:
    database = SessionDatabase(options.data / "sandbox.sqlite3")
    token = options.token or database.setting("token") or secrets.token_urlsafe(24)
    database.set("token", token)
    port = listener.getsockname()[1]
    origin = f"http://127.0.0.1:{port}"
    cluster = Cluster(options, database, SandboxClock(float(database.setting("clock") or 0)))
    issued = IssuedTokens(options.userid, cluster.clock.now)
    accounts = Accounts({token: options.userid, **dict(options.accounts)}, options.denied, options.expired, issued)
    control = ControlRoutes(options, cluster, os.getpid(), issued=issued)
    service = Platform(cluster, DesktopApps(cluster), catalog.images(options.images), origin)
    app = SandboxApplication(service, accounts, control, _drop)

    def announce() -> None:
        _announce(options, f"{origin}/skaha/v1", token)
        listening(f"{origin}/skaha/v1")

    server = _Server(server_config(app), announce)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN or number != signal.SIGHUP:  # `nohup` ignores SIGHUP
            loop.add_signal_handler(number, setattr, server, "should_exit", True)
    loop.add_signal_handler(signal.SIGCHLD, cluster.reap)
    cluster.load()
    ticking = loop.create_task(_tick(cluster, app, server))
    try:
        await server.serve(sockets=[listener])
    finally:
        (options.data / "server.json").unlink(missing_ok=True)
        if options.port_file is not None:
            options.port_file.unlink(missing_ok=True)
        ticking.cancel()
        await cluster.close()
        database.close()


def server_config(app: SandboxApplication) -> uvicorn.Config:
    """How the server of an application treats its connections."""
    return uvicorn.Config(
        app,
        http=_Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=_KEEP_ALIVE_S,
        h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
    )


async def _tick(cluster: Cluster, app: SandboxApplication, server: _Server) -> None:
    """Apply deadlines and expiries, collect processes whose SIGCHLD was missed, and end an idle server."""
    while True:
        await asyncio.sleep(_TICK_S)
        cluster.reap()
        cluster.expire_sessions()
        idle = app.control.options.idle
        if cluster.is_busy:
            app.last_request = time.monotonic()
        elif idle is not None and time.monotonic() - app.last_request > idle:
            _withdraw_address(app.control.options)
            server.should_exit = True


def _withdraw_address(options: SandboxOptions) -> None:
    """Remove `server.json` first, so that no client finds a server that is about to end."""
    (options.data / "server.json").unlink(missing_ok=True)


def _drop(client: tuple[str, int]) -> None:
    transport = _transports.get(tuple(client))  # type: ignore[arg-type]  # ASGI servers may give a list
    if transport is not None:
        transport.abort()


def _announce(options: SandboxOptions, url: str, token: str) -> None:
    record = {"url": url, "token": token, "pid": os.getpid(), "birth": processes.birth(os.getpid())}
    write_private(options.data / "server.json", json.dumps(record) + "\n")
    if options.port_file is not None:
        port = url.rpartition(":")[2].partition("/")[0]
        write_private(options.port_file, f"{port}\n")
