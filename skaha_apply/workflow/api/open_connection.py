"""An open connection: its context, the functions of the user, and its end."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Self

from skaha_apply.model.errors import UsageError
from skaha_apply.model.masking.secrets import masked
from skaha_apply.workflow.api.callbacks import Callbacks, EventRelay
from skaha_apply.workflow.api.choices import PlanChoices, plan_options

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AsyncExitStack

    from skaha_apply.model.project import Project
    from skaha_apply.model.report import Event
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.workflow.setup.context import Context

_RESUME = "run the same code again to resume; `destroy` deletes the sessions"


class OpenConnection:
    """What the methods of a connection share.

    Args:
        context: the server and the stores.
        opened: what is closed at the end.
        mask: removes IDs of interactive sessions from a text.
        callbacks: how the functions of the user are called.
    """

    def __init__(
        self, context: Context, opened: AsyncExitStack, mask: Callable[[str], str], callbacks: Callbacks | None = None
    ) -> None:
        self._context, self._opened, self._mask = context, opened, mask
        self._callbacks = callbacks or Callbacks()
        self._loop = asyncio.get_running_loop()
        self._patience = context.client.patience  # an approved plan has more patience with an unavailable server
        self._methods = 0  # at work
        self._closed = False

    def __repr__(self) -> str:
        """The server, and whether the connection is closed."""
        return f"<Skaha {self._context.location.server}{', closed' if self._closed else ''}>"

    async def __aenter__(self) -> Self:
        self._check_open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection. Sessions continue on the server."""
        if not self._closed:
            self._closed = True
            await self._opened.aclose()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """One method is at work. Afterwards the connection is ready again: an interrupt has stopped its requests.

        Raises:
            UsageError: the connection is closed, or is used on another event loop.
        """
        self._check_open()
        self._methods += 1
        try:
            yield
        finally:
            self._methods -= 1
            client = self._context.client
            client.resume()
            if not self._methods:
                client.patience = self._patience

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError("this connection is closed", hint="open a new one: await skaha_apply.connect()")
        if asyncio.get_running_loop() is not self._loop:
            raise UsageError(
                "this connection belongs to another event loop",
                hint="connect inside the function that asyncio.run runs, or use skaha_apply.connect_sync()",
            )

    async def _options(self, project: Project, choices: PlanChoices) -> PlanOptions:
        """The options of the plan, whose patterns match something."""
        from skaha_apply.workflow.setup.selection import check_scope  # noqa: PLC0415

        options = plan_options(choices)
        await check_scope(self._context.location, [project], options)
        return options

    @asynccontextmanager
    async def _relay(
        self, project: Project, observe: Callable[[Event], None] | None, *, display: bool | None
    ) -> AsyncIterator[EventRelay]:
        """Relay the events of one method. An interrupt gets the text of what it has left."""
        from skaha_apply.render.notebook.progress import choose_view  # noqa: PLC0415

        view = choose_view(lambda text: self._mask(masked(text, project.secrets)), display=display)
        events = EventRelay(self._callbacks, observe, view)
        try:
            yield events
        except asyncio.CancelledError as error:
            if events.left:
                error.args = (f"{events.left}\nhint: {_RESUME}",)
            raise
        finally:
            events.close()
