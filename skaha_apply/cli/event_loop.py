"""The event loop of an invocation, and its signals: the first one stops the work, a second Ctrl-C ends the process.

Only this module of the command line uses asyncio, and imports it once there is work to run.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from skaha_apply.cli.invocation import command_words, project_command, repeat_command
from skaha_apply.cli.signals import as_interrupts, stop_signals
from skaha_apply.model.errors import ExitCode, Interrupted

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Coroutine

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T], restore_terminal: Callable[[], None] = lambda: None) -> T:
    """Run the work of a command to its end.

    SIGINT, SIGTERM and SIGHUP cancel the work once. A pass then sends no new request, waits a few seconds for the
    requests in flight, and saves the state. Only a second SIGINT ends the process at once, after `restore_terminal`.

    Raises:
        Interrupted: after a signal, once the work has stopped.
    """
    import asyncio  # noqa: PLC0415 - see above

    async def until_signal() -> T:
        task = asyncio.ensure_future(work)
        signals = _Signals(task, restore_terminal)
        loop = asyncio.get_running_loop()
        for number in stop_signals():
            loop.add_signal_handler(number, signals, number)
        try:
            return await task
        except asyncio.CancelledError:
            hint = None if signals.at_question else _after_interrupt()
            raise Interrupted("interrupted", hint=hint, at_question=signals.at_question, number=signals.first) from None

    with as_interrupts():  # a closing loop would restore the system's handling, which kills the process
        return asyncio.run(until_signal())


def _after_interrupt() -> str:
    """What continues after an interrupt, and the commands to type, each alone on its line."""
    hint = f"running sessions continue on the server\nto resume:\n  {repeat_command()}"
    if command_words()[:1] == ("apply",):
        hint += f"\nto delete the sessions of the project instead:\n  {project_command('destroy')}"
    return hint


@asynccontextmanager
async def all_or_first_error() -> AsyncIterator[asyncio.TaskGroup]:
    """Tasks at the same time; the first error ends the others in order, and is raised as it is."""
    import asyncio  # noqa: PLC0415 - see above

    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def input_line() -> str:
    """The next line of standard input, "" at its end. Signals work while it waits."""
    import asyncio  # noqa: PLC0415 - see above

    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sys.stdin, ready.set)
    _Signals.asks = True
    try:
        await ready.wait()
    finally:
        _Signals.asks = False
        loop.remove_reader(sys.stdin)
    return sys.stdin.readline()


class _Signals:
    """The first signal cancels the work, a SIGINT after it ends the process, any other repeated signal does nothing.

    `asks` states whether the work waits at a question. `first` is the number of the first signal, 0 before
    it, and `at_question` states whether it arrived at a question.
    """

    asks: ClassVar[bool] = False

    def __init__(self, task: asyncio.Future[Any], restore_terminal: Callable[[], None]) -> None:
        self._task = task
        self._restore_terminal = restore_terminal
        self.first = 0
        self.at_question = False

    def __call__(self, number: int) -> None:
        if not self.first:
            self.first, self.at_question = number, _Signals.asks
            self._task.cancel()
        elif number == signal.SIGINT:
            self._restore_terminal()
            os._exit(ExitCode.INTERRUPTED)
