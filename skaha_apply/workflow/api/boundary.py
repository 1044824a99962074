"""The boundary of the Python API: an error leaves it with the frames of the user, and in the words of Python."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

from skaha_apply.model.display.short_traceback import with_short_traceback
from skaha_apply.model.errors import SkahaApplyError
from skaha_apply.workflow.api.arguments import Arguments
from skaha_apply.workflow.api.python_words import with_python_words

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractContextManager
    from typing import Any


class Connection(Protocol):
    """An object whose methods are used while it is open."""

    def in_use(self) -> AbstractContextManager[None]:
        """One method is at work; raises `UsageError` if the connection is closed."""
        ...


P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=Connection)


def shown_briefly(function: Callable[P, T]) -> Callable[P, T]:
    """The function, with checked arguments. An error that a user can fix is raised without cause and inner frames."""
    arguments = Arguments(function)

    @functools.wraps(function)
    def bounded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            checked, named = arguments.check(args, kwargs)
            return function(*checked, **named)
        except SkahaApplyError as error:
            raise with_python_words(error).with_traceback(None) from None

    return bounded


def awaited_briefly(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """As `shown_briefly`, for a coroutine function, and also for its cancellation."""

    @functools.wraps(function)
    async def bounded(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await function(*args, **kwargs)
        except SkahaApplyError as error:
            raise with_python_words(error).with_traceback(None) from None
        except asyncio.CancelledError as error:  # the same object: `asyncio.timeout` recognizes it
            raise with_short_traceback(error).with_traceback(None) from None

    return bounded


def api_method(
    function: Callable[Concatenate[C, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[C, P], Coroutine[Any, Any, T]]:
    """A method of a connection: as `awaited_briefly`, with checked arguments, and an error after the close."""
    arguments = Arguments(function, is_method=True)

    @functools.wraps(function)
    async def checked(connection: C, /, *args: P.args, **kwargs: P.kwargs) -> T:
        read, named = arguments.check(args, kwargs)
        with connection.in_use():
            return await function(connection, *read, **named)

    return awaited_briefly(checked)
