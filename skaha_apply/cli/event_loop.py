"""The event loop of an invocation, and its signals: the first one stops the work, a second Ctrl-C ends the process."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any, TypeVar

from skaha_apply.cli.invocation import repeat_command
from skaha_apply.cli.signals import as_interrupts, stop_signals
from skaha_apply.model.errors import ExitCode, Interrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T], restore_terminal: Callable[[], None] = lambda: None) -> T:
    """Run the work of a command to its end.

    SIGINT, SIGTERM and SIGHUP cancel the work once. A pass then sends no new request, waits a few seconds for the
    requests in flight, and saves the state. Only a second SIGINT ends the process at once, after `restore_terminal`.

    Raises:
        Interrupted: after a signal, once the work has stopped.
    """

    async def until_signal() -> T:
        task = asyncio.ensure_future(work)
        signals = _Signals(task, restore_terminal)
        loop = asyncio.get_running_loop()
        for number in stop_signals():
            loop.add_signal_handler(number, signals, number)
        try:
            return await task
        except asyncio.CancelledError:
            hint = f"running sessions continue on the server; to resume: {repeat_command()}"
            raise Interrupted("interrupted", hint=hint) from None

    with as_interrupts():  # a closing loop would restore the system's handling, which kills the process
        return asyncio.run(until_signal())


class _Signals:
    """The first signal cancels the work, a SIGINT after it ends the process, any other repeated signal does nothing."""

    def __init__(self, task: asyncio.Future[Any], restore_terminal: Callable[[], None]) -> None:
        self._task = task
        self._restore_terminal = restore_terminal
        self._arrived = False

    def __call__(self, number: int) -> None:
        if not self._arrived:
            self._arrived = True
            self._task.cancel()
        elif number == signal.SIGINT:
            self._restore_terminal()
            os._exit(ExitCode.INTERRUPTED)
