"""What the page shows now: read again when a browser asks, never twice at the same time, and kept while reading fails.

Reading runs in a thread, because it can take seconds: a long manifest, a state in git, a listing of the server. A
request waits for it for a short time only, and then gets the last content; the next request gets the new one.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from dataclasses import field
from hashlib import sha256
from threading import Thread
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    _Data = Mapping[str, Any]

LONGEST_WAIT = 2.0  # seconds for which a request waits
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class PageContent:
    """One reading: the value, and its JSON text with its tag."""

    value: Mapping[str, Any]
    text: str = field(repr=False)
    tag: str

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> PageContent:
        """The content of a value without secrets."""
        text = json.dumps(value, separators=(",", ":"))
        return cls(value, text, f'"{sha256(text.encode()).hexdigest()[:32]}"')


class PageFeed:
    """The content of the page.

    `read` returns the data of the page, the same object if nothing has changed. The constructor raises what it raises.
    `public` returns the data without secrets. `interval` are the seconds from one reading to the next, if browsers ask
    more often.
    """

    def __init__(self, read: Callable[[], _Data], public: Callable[[_Data], _Data], interval: float) -> None:
        self._read, self._public, self._interval = read, public, interval
        self._began = float("-inf")  # time of the loop at which the last reading began
        self._reading: asyncio.Future[PageContent] | None = None
        self._value = read()
        self._content = PageContent.of(public(self._value))

    async def current(self) -> PageContent:
        """The newest content that can be had within `LONGEST_WAIT`."""
        loop = asyncio.get_running_loop()
        if self._reading is None and loop.time() - self._began >= self._interval:
            self._began = loop.time()
            self._reading = loop.create_future()
            Thread(target=self._read_in_thread, args=(loop, self._reading), daemon=True).start()
        if self._reading is not None:
            await asyncio.wait({self._reading}, timeout=LONGEST_WAIT)
        return self._content

    def _read_in_thread(self, loop: asyncio.AbstractEventLoop, reading: asyncio.Future[PageContent]) -> None:
        content = self._content
        try:
            value = self._read()
            if value is not self._value:
                self._value, content = value, PageContent.of(self._public(value))
        except Exception:  # noqa: BLE001 - a bug must not end the page
            _LOG.exception("the data of the page could not be read")
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(self._finish, reading, content)

    def _finish(self, reading: asyncio.Future[PageContent], content: PageContent) -> None:
        self._content, self._reading = content, None
        reading.set_result(content)
