"""Reads the listings of one server in turn: what a listing has again need not be read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.skaha.responses import FIELDS_OF_A_SESSION, read_item, read_sessions

if TYPE_CHECKING:
    from skaha_apply.model.session import LiveSession


class Listings:
    """Most sessions of a wait are in each listing, with the same fields. They are the same objects then.

    The first listing is not kept, because most commands read only one.
    """

    def __init__(self) -> None:
        self._is_first = True
        self._last: dict[tuple[Any, ...], Any] = {}

    def read(self, body: bytes) -> tuple[tuple[LiveSession, ...], tuple[str, ...]]:
        """See `read_sessions`."""
        if self._is_first:
            self._is_first = False
            return read_sessions(body)
        last, now = self._last, {}

        def read(item: dict[str, Any]) -> Any:
            if "id" not in item:  # an object in a field of a session
                return item
            fields = tuple(map(item.get, FIELDS_OF_A_SESSION))
            try:
                now[fields] = found = last.get(fields) or read_item(item)
            except TypeError:  # a field that should be a text is a list or an object
                return read_item(item)
            return found

        found = read_sessions(body, read)
        self._last = now
        return found
