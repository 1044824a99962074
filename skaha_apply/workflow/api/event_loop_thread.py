"""An event loop in a thread of its own, for code that cannot await: a script, or a notebook whose loop is busy.

The thread of the caller waits for each coroutine. It also calls the functions of the user, so that they can print.
An interrupt of the caller cancels the work.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from skaha_apply.model.display.short_traceback import with_short_traceback
from skaha_apply.model.errors import UsageError
from skaha_apply.workflow.api.callbacks import Callbacks

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")
Posted = tuple[Callable[[], Any], "Future[Any] | None"]  # a function, and the future of its result if one waits for it


class EventLoopThread:
    """Runs coroutines in its thread until it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="skaha-apply", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of a coroutine, once it has ended; raises its error.

        An interrupt cancels it and waits for its end: no new request is sent, requests in flight have some seconds, and
        the state is saved. A second interrupt does not wait.

        Raises:
            KeyboardInterrupt: after an interrupt; its text states what was left.
        """
        call = _Call[T]()
        self._loop.call_soon_threadsafe(call.start, work)
        try:
            call.serve()
        except BaseException as error:  # an interrupt, or an error in a function of the user
            self._loop.call_soon_threadsafe(call.cancel)
            try:
                call.drain()
            except KeyboardInterrupt:
                text = "interrupted twice: the requests in flight end in the background"
                raise with_short_traceback(KeyboardInterrupt(text)) from None
            if isinstance(error, KeyboardInterrupt):
                raise with_short_traceback(KeyboardInterrupt(call.left or "interrupted")) from None
            raise
        return call.result()

    def close(self) -> None:
        """Cancel what still runs, end the loop, and join the thread."""
        asyncio.run_coroutine_threadsafe(_end_tasks(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class CallerCallbacks(Callbacks):
    """Calls functions in the thread that waits for the call."""

    def post(self, function: Callable[[], object]) -> None:
        """Call a function there later; its result is ignored."""
        _posted.get().put((function, None))

    async def ask(self, function: Callable[[], T]) -> T:
        """The result of a function that is called there."""
        result: Future[T] = Future()
        _posted.get().put((function, result))
        return await asyncio.wrap_future(result)


_posted: contextvars.ContextVar[SimpleQueue[Posted | None]] = contextvars.ContextVar("posted")


class _Call(Generic[T]):
    """One coroutine, and the functions that the waiting thread calls meanwhile; None in the queue is the end."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Posted | None] = SimpleQueue()
        self._outcome: Future[T] = Future()
        self._task: asyncio.Task[T] | None = None
        self.left = ""

    def start(self, work: Coroutine[Any, Any, T]) -> None:
        """Start the coroutine; called on the loop."""
        context = contextvars.copy_context()
        context.run(_posted.set, self._queue)
        self._task = asyncio.get_running_loop().create_task(work, context=context)
        self._task.add_done_callback(self._end)

    def cancel(self) -> None:
        """Cancel the coroutine; called on the loop, after `start`."""
        if self._task is not None:
            self._task.cancel()

    def serve(self) -> None:
        """Call functions until the coroutine has ended."""
        while (posted := self._queue.get()) is not None:
            function, result = posted
            if result is None:
                function()
            else:
                result.set_result(function())

    def drain(self) -> None:
        """As `serve`, after an error: other errors of the functions are ignored, and nobody gets their results."""
        while (posted := self._queue.get()) is not None:
            function, result = posted
            with suppress(Exception):
                if result is None:
                    function()

    def result(self) -> T:
        """The result of the coroutine; raises its error."""
        return self._outcome.result()

    def _end(self, task: asyncio.Task[T]) -> None:
        try:
            self._outcome.set_result(task.result())
        except asyncio.CancelledError as error:
            self.left = str(error)
            self._outcome.set_exception(UsageError("the connection was closed in the meantime"))
        except BaseException as error:  # noqa: BLE001 - the thread of the caller raises it
            self._outcome.set_exception(error)
        self._queue.put(None)


async def _end_tasks() -> None:
    loop = asyncio.get_running_loop()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()
