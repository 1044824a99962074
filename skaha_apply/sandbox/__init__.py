"""A local server of the Skaha API, for trials, rehearsals and tests. It shares no code with the client.

The packages of the web server are imported only in the server process: `pip install 'skaha-apply[sandbox]'`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.sandbox.options import Rehearsal, RunningSandbox, SandboxError, SandboxOptions, check_installed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Rehearsal", "RunningSandbox", "SandboxError", "SandboxOptions", "ensure", "runs", "serve", "status", "stop"]


def serve(options: SandboxOptions, listening: Callable[[str], object] | None = None) -> None:
    """Serve until SIGTERM, SIGINT or SIGHUP, or until `options.idle` seconds without use; raises SandboxError.

    Calls `listening` with the base URL when the port is open.
    """
    check_installed()
    from skaha_apply.sandbox.server import serve as run_server  # noqa: PLC0415 - the web server is an extra

    run_server(options, listening)


def ensure(options: SandboxOptions) -> RunningSandbox:
    """Return the sandbox that runs on `options.data`, or start one in the background; raises SandboxError."""
    from skaha_apply.sandbox.lifecycle import ensure as find_or_start  # noqa: PLC0415 - keeps the import light

    return find_or_start(options)


def status(data: Path) -> RunningSandbox | None:
    """Return the sandbox that runs on `data`, or None."""
    from skaha_apply.sandbox.lifecycle import status as query_status  # noqa: PLC0415 - keeps the import light

    return query_status(data)


def runs(data: Path) -> bool:
    """Whether a sandbox runs on `data`; sends no request."""
    from skaha_apply.sandbox.lifecycle import runs as is_alive  # noqa: PLC0415 - keeps the import light

    return is_alive(data)


def stop(data: Path) -> bool:
    """Stop the sandbox of `data` and wait until it has ended; False if no sandbox runs; raises SandboxError."""
    from skaha_apply.sandbox.lifecycle import stop as stop_server  # noqa: PLC0415 - keeps the import light

    return stop_server(data)
