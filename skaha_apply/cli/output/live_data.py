"""The data of the live page: the pages of the projects, with their commands and the errors of the last reading."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.cli.output.page_file import page_commands
from skaha_apply.render.page.document import page_data
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from skaha_apply.cli.output.streams import Streams
    from skaha_apply.model.display.page import ProjectPage

    Reading = Callable[[], tuple[tuple[ProjectPage, ...], tuple[str, ...]]]

_PUBLIC_ERROR = "a project cannot be read at the moment"  # an error can contain paths and names


class LiveData:
    """The data, each time that it is called. It is the same object if nothing has changed.

    Args:
        reading: returns the pages and the errors.
        streams: where an error is printed when it begins.
        public: whether others see the page.
        ask: seconds after which the browser asks for new data.
        poll: seconds between two listings of the server; None without listings, whose page is never out of
            date: it is as old as the last change of the state.
    """

    def __init__(
        self, reading: Reading, streams: Streams, *, public: bool, ask: float, poll: float | None = None
    ) -> None:
        self._reading, self._streams, self._public, self._ask, self._poll = reading, streams, public, ask, poll
        self._pages: tuple[ProjectPage, ...] = ()
        self._errors: tuple[str, ...] = ()
        self._data: dict[str, Any] | None = None

    def __call__(self) -> dict[str, Any]:
        """Read once; raises what the reading raises."""
        pages, errors = self._reading()
        if self._data is None or errors != self._errors or list(map(id, pages)) != list(map(id, self._pages)):
            self._data = self._made(pages, errors)
        for error in errors:
            if error not in self._errors:
                self._streams.message("warning", error)
        self._pages, self._errors = pages, errors
        return self._data

    def _made(self, pages: Sequence[ProjectPage], errors: Sequence[str]) -> dict[str, Any]:
        several = len(pages) > 1
        shown = [replace(page, commands=page_commands(page.status.project, one_of_several=several)) for page in pages]
        lines = [_PUBLIC_ERROR] * bool(errors) if self._public else list(map(one_line, errors))
        data = page_data(shown, public=self._public)
        return {**data, "poll": self._poll, "ask": 0.8 * self._ask, "errors": lines}
