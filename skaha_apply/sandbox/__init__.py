"""A local server of the Skaha API for trying, rehearsing and testing; it shares no code with the client.

The web server's packages are imported only when a sandbox is served: `pip install 'skaha-apply[sandbox]'`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.sandbox.options import RunningSandbox, SandboxError, SandboxOptions, check_installed

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["RunningSandbox", "SandboxError", "SandboxOptions", "ensure", "serve", "status", "stop"]


def serve(options: SandboxOptions) -> None:
    """Serve until SIGTERM, SIGINT, SIGHUP, or nobody used it for `options.idle` seconds; raises SandboxError."""
    check_installed()
    from skaha_apply.sandbox.server import serve as run  # noqa: PLC0415 - the web server is an extra

    run(options)


def ensure(options: SandboxOptions) -> RunningSandbox:
    """Give the sandbox that runs on `options.data`, or start a detached one; raises SandboxError."""
    from skaha_apply.sandbox.lifecycle import ensure as find_or_start  # noqa: PLC0415 - keeps the import light

    return find_or_start(options)


def status(data: Path) -> RunningSandbox | None:
    """Give the sandbox that runs on `data`, or None."""
    from skaha_apply.sandbox.lifecycle import status as look  # noqa: PLC0415 - keeps the import light

    return look(data)


def stop(data: Path) -> bool:
    """End the sandbox of `data` and wait for it; False when none runs; raises SandboxError."""
    from skaha_apply.sandbox.lifecycle import stop as end  # noqa: PLC0415 - keeps the import light

    return end(data)
