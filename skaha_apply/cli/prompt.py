"""The one question: may this be carried out? Asked only where a person can answer."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from skaha_apply.model.errors import SkahaApplyError, UsageError

if TYPE_CHECKING:
    from skaha_apply.cli.output.streams import Streams


async def ask(streams: Streams, question: str) -> bool:
    """Ask on standard error, read standard input; only `y` or `yes` is a yes, the end of the input is a no.

    Signals work while it waits.

    Raises:
        UsageError: without a terminal to answer from.
        SkahaApplyError: if the text that the question is about could not be written.
    """
    if streams.is_lost:
        raise SkahaApplyError("what needs approval could not be shown; nothing was changed")
    if sys.stdin is None or sys.stdin.closed or not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask for approval", hint="--yes carries it out without asking")
    streams.notify(f"{question} [y/N] ")
    answer = ""
    try:
        answer = await _line()
    finally:
        if not answer.endswith("\n"):  # the end of the input, or an interrupt
            streams.notify("\n")
    return answer.strip().lower() in ("y", "yes")


async def _line() -> str:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sys.stdin, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline()
