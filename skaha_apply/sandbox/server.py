"""The server process: one per data folder, on 127.0.0.1 only, orderly to start and to end."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import secrets
import signal
import socket
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from skaha_apply.sandbox.clock import SandboxClock
from skaha_apply.sandbox.http.access import Accounts, IssuedTokens
from skaha_apply.sandbox.http.app import SandboxApplication
from skaha_apply.sandbox.http.control_routes import ControlRoutes
from skaha_apply.sandbox.http.request_target import Backend
from skaha_apply.sandbox.options import SandboxError, SandboxOptions
from skaha_apply.sandbox.platform import catalog, processes
from skaha_apply.sandbox.platform.cluster import Cluster
from skaha_apply.sandbox.platform.database import SessionDatabase
from skaha_apply.sandbox.platform.desktop_apps import DesktopApps
from skaha_apply.sandbox.private import private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_TICK_S = 0.25
_MAX_HEAD = 256 * 1024
_open: dict[tuple[str, int], asyncio.Transport] = {}


class _Connection(H11Protocol):
    """Remembers its transport, so that a fault can close the connection without an answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        super().connection_made(transport)
        if self.client is not None:
            _open[self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client is not None:
            _open.pop(self.client, None)
        super().connection_lost(exc)


class _Server(uvicorn.Server):
    """Says when it listens; leaves signals to `serve`."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()


def serve(options: SandboxOptions) -> None:
    """Serve until SIGTERM, SIGINT, SIGHUP or `options.idle`; raises SandboxError when it cannot start."""
    options = _prepared(options)
    with _only_one(options.data), _listen(options.port) as listener:
        asyncio.run(_serve(options, listener))


def _prepared(options: SandboxOptions) -> SandboxOptions:
    if options.slots < 1:
        raise SandboxError(f"slots must be at least 1, not {options.slots}")
    workdir = options.workdir.resolve()
    if not workdir.is_dir():
        raise SandboxError(f"the working directory {workdir} is not there", "create it, or give another one")
    try:
        options.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        (options.data / "logs").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SandboxError(f"{options.data}: {error.strerror}", "choose a data folder that can be written") from None
    return replace(options, data=options.data.resolve(), workdir=workdir)


@contextmanager
def _only_one(data: Path) -> Iterator[None]:
    """Hold the operating system's lock on the data folder."""
    with open(data / "lock", "a", opener=private) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            hint = "stop it first (sandbox stop), or choose another data folder"
            raise SandboxError(f"a sandbox runs on {data} already", hint) from None
        yield


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


async def _serve(options: SandboxOptions, listener: socket.socket) -> None:
    database = SessionDatabase(options.data / "sandbox.sqlite3")
    token = options.token or database.setting("token") or secrets.token_urlsafe(24)
    database.set("token", token)
    port = listener.getsockname()[1]
    origin = f"http://127.0.0.1:{port}"
    cluster = Cluster(options, database, SandboxClock(float(database.setting("clock") or 0)))
    issued = IssuedTokens(options.userid, cluster.clock.now)
    accounts = Accounts({token: options.userid, **dict(options.accounts)}, options.denied, options.expired, issued)
    control = ControlRoutes(options, cluster, os.getpid(), issued=issued)
    service = Backend(cluster, DesktopApps(cluster), catalog.images(options.images), origin)
    app = SandboxApplication(service, accounts, control, _drop)
    config = uvicorn.Config(
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
        h11_max_incomplete_event_size=_MAX_HEAD,
    )
    server = _Server(config, lambda: _announce(options, f"{origin}/skaha/v1", token))
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


async def _tick(cluster: Cluster, app: SandboxApplication, server: _Server) -> None:
    """Let time pass: deadlines, expiry, ended processes whose signal was missed, and the end of an idle server."""
    while True:
        await asyncio.sleep(_TICK_S)
        cluster.reap()
        cluster.expire_sessions()
        idle = app.control.options.idle
        if cluster.is_busy:
            app.last_request = time.monotonic()
        elif idle is not None and time.monotonic() - app.last_request > idle:
            _retire(app.control.options)
            server.should_exit = True


def _retire(options: SandboxOptions) -> None:
    """Take the address down first, so that nobody finds a server that is about to end."""
    (options.data / "server.json").unlink(missing_ok=True)


def _drop(client: tuple[str, int]) -> None:
    transport = _open.get(tuple(client))  # type: ignore[arg-type]  # ASGI servers may give a list
    if transport is not None:
        transport.abort()


def _announce(options: SandboxOptions, url: str, token: str) -> None:
    record = {"url": url, "token": token, "pid": os.getpid(), "birth": processes.birth(os.getpid())}
    _write_whole(options.data / "server.json", json.dumps(record) + "\n")
    if options.port_file is not None:
        port = url.rpartition(":")[2].partition("/")[0]
        _write_whole(options.port_file, f"{port}\n")


def _write_whole(path: Path, content: str) -> None:
    """Write a file that only the user can read, so that nobody ever sees half of it; raises SandboxError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with suppress(FileNotFoundError):
            draft.unlink()
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(content)
        draft.replace(path)
    except OSError as error:
        raise SandboxError(f"{path}: {error.strerror}", "choose a folder that is there and can be written") from None
