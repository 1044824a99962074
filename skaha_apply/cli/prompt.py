"""The question for approval, which the tool asks only if a person at a terminal can answer."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from skaha_apply.cli.invocation import repeat_command
from skaha_apply.model.errors import SkahaApplyError, UsageError

if TYPE_CHECKING:
    from skaha_apply.cli.output.streams import Streams


async def ask(streams: Streams, question: str) -> bool:
    """Ask on standard error and read standard input. Only `y` and `yes` approve; the end of the input declines.

    Signals work while it waits.

    Raises:
        UsageError: if standard input is not a terminal.
        SkahaApplyError: if the text that the question is about could not be written.
    """
    if streams.is_lost:
        raise SkahaApplyError(
            "nothing was changed: the text that you would approve could not be written to standard output"
        )
    if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
        raise UsageError(
            "approval is required, and standard input is not a terminal; nothing was changed",
            hint=f"to approve without a question: {repeat_command()} --yes",
        )
    streams.notify(f"{question} [y/N] ")
    typed = ""
    try:
        typed = await _line()
    finally:
        if not typed.endswith("\n"):  # the end of the input, or an interrupt
            streams.notify("\n")
    return typed.strip().lower() in ("y", "yes")


async def _line() -> str:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sys.stdin, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline()
