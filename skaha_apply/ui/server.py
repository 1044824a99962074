"""The server process: one socket on 127.0.0.1, and a web server that ends when its task is canceled."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from skaha_apply.model.errors import SkahaApplyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skaha_apply.ui.application import PageApplication

ADDRESS = "127.0.0.1"
_END_S = 3.0  # seconds for requests in flight at the end
_BACKLOG = 64


@contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """An open socket on 127.0.0.1; port 0 is a free one. Raises `SkahaApplyError` if the port cannot be used."""
    # The protocol is named, so that TCP_NODELAY is set.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((ADDRESS, port))
            listener.listen(_BACKLOG)
        except OSError as error:
            what = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
            hint = "choose another port, or leave out --port for a free one"
            raise SkahaApplyError(f"port {port} of {ADDRESS} {what}", hint=hint) from error
        yield listener


async def serve(application: PageApplication, listener: socket.socket) -> None:
    """Serve until the task is canceled; requests in flight get a response."""
    config = uvicorn.Config(
        application,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    serving = asyncio.ensure_future(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await asyncio.wait({serving}, timeout=_END_S)


class _Server(uvicorn.Server):
    """Leaves signals to the event loop of the command."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
