"""The connection for code without `await`: the methods of `Skaha`, each of which waits for its result."""

from __future__ import annotations

import functools
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Self, TypeVar

from skaha_apply.model.errors import SkahaApplyError, UsageError
from skaha_apply.workflow.api.arguments import Arguments
from skaha_apply.workflow.api.connection import Skaha

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from skaha_apply.workflow.api.event_loop_thread import EventLoopThread

P = ParamSpec("P")
T = TypeVar("T")


def blocking(
    method: Callable[Concatenate[Skaha, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[SyncSkaha, P], T]:
    """The method of `Skaha` without `await`: the same arguments, result and errors."""
    arguments = Arguments(method, is_method=True)

    @functools.wraps(method)
    def waiting(connection: SyncSkaha, /, *args: P.args, **kwargs: P.kwargs) -> T:
        checked, named = arguments.check(args, kwargs)  # a wrong argument is an error here, and not in the thread
        return connection.run(lambda skaha: method(skaha, *checked, **named))

    return waiting


class SyncSkaha:
    """A connection to one server; `connect_sync` opens it, and `with` or `close` closes it.

    It works inside a running event loop too, because its own event loop has a thread of its own.
    """

    def __init__(self, thread: EventLoopThread, skaha: Skaha) -> None:
        self._thread, self._skaha = thread, skaha
        self._end = weakref.finalize(self, _close, thread, skaha)  # also at the end of the process

    plan = blocking(Skaha.plan)
    apply = blocking(Skaha.apply)
    wait = blocking(Skaha.wait)
    destroy = blocking(Skaha.destroy)
    refresh = blocking(Skaha.refresh)
    status = blocking(Skaha.status)
    show = blocking(Skaha.show)
    timeline = blocking(Skaha.timeline)
    logs = blocking(Skaha.logs)
    events = blocking(Skaha.events)
    mark = blocking(Skaha.mark)

    def __repr__(self) -> str:
        """The server, and whether the connection is closed."""
        return repr(self._skaha)

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection and join its thread. Sessions continue on the server."""
        self._end()

    def run(self, call: Callable[[Skaha], Coroutine[Any, Any, T]]) -> T:
        """The result of a coroutine function of `Skaha`; raises its error, and `KeyboardInterrupt` after Ctrl-C."""
        self._check_open()
        try:
            return self._thread.run(call(self._skaha))
        except SkahaApplyError as error:
            raise error.with_traceback(None) from None

    def _check_open(self) -> None:
        if not self._end.alive:
            raise UsageError("this connection is closed", hint="open a new one: skaha_apply.connect_sync()")


def _close(thread: EventLoopThread, skaha: Skaha) -> None:
    try:
        with suppress(SkahaApplyError):
            thread.run(skaha.aclose())
    finally:
        thread.close()
