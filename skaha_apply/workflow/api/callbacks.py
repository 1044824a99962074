"""How the functions of a user are called: on the event loop of the connection, or in the thread that waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from skaha_apply.model.report import EndedEarly, Note

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.model.report import Event
    from skaha_apply.render.run.lines import ProgressView

T = TypeVar("T")


class Callbacks:
    """Calls functions at once, because the code of the user runs on the same event loop."""

    def post(self, function: Callable[[], object]) -> None:
        """Call a function; its result is ignored."""
        function()

    async def ask(self, function: Callable[[], T]) -> T:
        """The result of a function."""
        return function()


class EventRelay:
    """The events of one method: the user observes them, a view shows them, and the last one is kept.

    Args:
        callbacks: how the functions of the user are called.
        observe: gets each event, None for nobody.
        view: shows the events, None for none. It is made at the first event, in the thread of the user.
    """

    def __init__(
        self,
        callbacks: Callbacks,
        observe: Callable[[Event], None] | None,
        view: Callable[[], ProgressView] | None,
    ) -> None:
        self._callbacks, self._observe, self._make_view = callbacks, observe, view
        self._view: ProgressView | None = None
        self._last: Event | None = None

    def __call__(self, event: Event) -> None:
        """Pass one event on."""
        if not isinstance(event, EndedEarly):  # it follows the note of an interrupt
            self._last = event
        if self._observe is not None or self._make_view is not None:
            self._callbacks.post(lambda: self._show(event))

    def close(self) -> None:
        """Stop the view, which stays on the screen."""
        self._callbacks.post(self._close_view)

    @property
    def left(self) -> str:
        """What an interrupt has left: the note that `apply` reports last; "" if nothing was started."""
        return self._last.text if isinstance(self._last, Note) else ""

    def _show(self, event: Event) -> None:
        if self._make_view is not None:
            if self._view is None:
                self._view = self._make_view()
            self._view(event)
        if self._observe is not None:
            self._observe(event)

    def _close_view(self) -> None:
        if self._view is not None:
            self._view.close()
