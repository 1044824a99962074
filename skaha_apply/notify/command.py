"""Runs the command of a notice: without a shell, in a process group of its own, with the notice on standard input."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from skaha_apply.model.project import NotSent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


async def run_command(words: Sequence[str], content: bytes, environ: Mapping[str, str]) -> None:
    """Run a program to its end; a cancellation kills it and the processes that it started.

    Its output is dropped, because it could contain what must not be shown.

    Raises:
        NotSent: it cannot run, or ends with another code than 0.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            env=environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "invalid arguments"
        raise NotSent(f"it cannot run: {reason}", can_be_repeated=False) from None
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # a program need not read its standard input
            await process.communicate(content)
        code = await process.wait()
    finally:
        await _kill(process)
    if code != 0:
        raise NotSent(f"it failed with exit code {code}")


async def _kill(process: asyncio.subprocess.Process) -> None:
    """Kill a program that still runs, with its process group."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
