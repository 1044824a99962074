"""`connect` and `connect_sync`: a connection for code with `await`, and one for code without."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.model.errors import UsageError
from skaha_apply.model.masking.session_ids import KnownIds
from skaha_apply.workflow.api.boundary import awaited_briefly, shown_briefly
from skaha_apply.workflow.api.connection import Skaha
from skaha_apply.workflow.api.event_loop_thread import CallerCallbacks, EventLoopThread
from skaha_apply.workflow.api.sync_connection import SyncSkaha
from skaha_apply.workflow.setup.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path
    from typing import Any

    from skaha_apply.workflow.api.callbacks import Callbacks

SANDBOX_VARIABLE = "SKAHA_APPLY_SANDBOX"


class Connecting:
    """A connection that is not open yet: `await` opens it, and `async with` opens and closes it."""

    def __init__(self, settings: Settings, callbacks: Callbacks | None = None) -> None:
        self._settings, self._callbacks = settings, callbacks
        self._skaha: Skaha | None = None

    def __await__(self) -> Generator[Any, None, Skaha]:
        """Open the connection; `aclose` closes it."""
        return self.open().__await__()

    async def __aenter__(self) -> Skaha:
        self._skaha = await self.open()
        return self._skaha

    async def __aexit__(self, *_: object) -> None:
        if self._skaha is not None:
            await self._skaha.aclose()

    @awaited_briefly
    async def open(self) -> Skaha:
        """Open the connection; see `connect` for what it raises."""
        from skaha_apply.workflow.setup.context import open_context  # noqa: PLC0415 - h11, for those who connect

        known = KnownIds()
        given = self._settings.identify

        def identify(session_id: str, url: str) -> None:
            known.identify(session_id, url)
            given(session_id, url)

        opened = AsyncExitStack()
        context = await opened.enter_async_context(
            open_context(replace(self._settings, identify=identify, publish=known.mask))
        )
        return Skaha(context, opened, known.mask, self._callbacks)


@shown_briefly
def connect(
    server: str | None = None,
    *,
    credential_command: str | None = None,
    sandbox: bool | None = None,
    state: str | Path | None = None,
    setting: Settings | None = None,
) -> Connecting:
    """A connection: server and credential as on the command line, or a sandbox on this machine.

    `async with skaha_apply.connect() as skaha:` closes it at the end of the block. After
    `skaha = await skaha_apply.connect()`, `await skaha.aclose()` closes it.

    Args:
        server: a URL, or the name of a configured server.
        credential_command: a command that prints a token or a PEM certificate, as `--credential-command`.
        sandbox: use a local sandbox, started when none runs; by default if the environment has `SKAHA_APPLY_SANDBOX=1`.
        state: where the state lives; by default below `.skaha-apply` where the manifests are (`docs/state.md`).
        setting: everything else (concurrency, settle time, working directory).

    Raises:
        ServerError: without a usable credential.
        UsageError: the address of the server is wrong, or both a server and the sandbox are given.
    """
    return Connecting(_settings(setting, server, credential_command, sandbox=sandbox, state=state))


@shown_briefly
def connect_sync(
    server: str | None = None,
    *,
    credential_command: str | None = None,
    sandbox: bool | None = None,
    state: str | Path | None = None,
    setting: Settings | None = None,
) -> SyncSkaha:
    """A connection whose methods need no `await`, in a script and in a notebook; see `connect`.

    `with skaha_apply.connect_sync() as skaha:` closes it at the end of the block. After
    `skaha = skaha_apply.connect_sync()`, `skaha.close()` closes it.
    """
    settings = _settings(setting, server, credential_command, sandbox=sandbox, state=state)
    thread = EventLoopThread()
    try:
        return SyncSkaha(thread, thread.run(Connecting(settings, CallerCallbacks()).open()))
    except BaseException:
        thread.close()
        raise


def _settings(
    setting: Settings | None,
    server: str | None,
    credential_command: str | None,
    *,
    sandbox: bool | None,
    state: str | Path | None,
) -> Settings:
    base = setting or Settings()
    command = credential_command if credential_command is not None else base.credential_command
    chosen = (base.sandbox or _variable_is_set()) if sandbox is None else sandbox
    if chosen and server is not None:
        raise UsageError(
            "a server and the sandbox exclude each other",
            hint=f"leave out server, or write sandbox=False: {SANDBOX_VARIABLE} in the environment selects the sandbox",
        )
    return replace(
        base, server=server, credential_command=command, sandbox=chosen, state=None if state is None else str(state)
    )


def _variable_is_set() -> bool:
    """Whether the environment selects the sandbox; raises `UsageError` for a value that is neither 1 nor 0."""
    value = os.environ.get(SANDBOX_VARIABLE, "")
    known = {"": False, **dict.fromkeys(("0", "false", "f", "no", "n", "off"), False)}
    known |= dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True)
    if value.strip().lower() not in known:
        raise UsageError(f"{SANDBOX_VARIABLE}={value!r} is neither 1 nor 0", hint=f"unset {SANDBOX_VARIABLE}")
    return known[value.strip().lower()]
