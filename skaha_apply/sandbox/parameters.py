"""Which parameters the server sees: it depends on the method and the Content-Type [SyncInput]."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from skaha_apply.sandbox.answers import bad_request

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import Request

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
MAX_FORM_BYTES = 2 * 1024 * 1024


class Parameters:
    """Parameters of one request: names without regard to case, the first value of each; `env` is a list."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.pairs = list(pairs)
        self._values: dict[str, list[str]] = {}
        spelling: dict[str, str] = {}
        for name, value in self.pairs:
            key = name.lower()
            if spelling.setdefault(key, name) != name:
                raise bad_request("null")
            self._values.setdefault(key, []).append(value)

    def first(self, name: str) -> str | None:
        """Give the first value of `name`, or None when it is absent (an empty value is not absent)."""
        values = self._values.get(name)
        return values[0] if values else None

    def every(self, name: str) -> list[str]:
        """Give all values of `name` in the order sent."""
        return self._values.get(name, [])


def media_type(headers: Mapping[str, str]) -> str:
    """Give the media type of the Content-Type header without its parameters, in lower case."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def urlencoded(raw: bytes | str) -> list[tuple[str, str]]:
    """Read `a=1&b=2`; a name without `=` has an empty value."""
    encoded = raw.decode("latin-1") if isinstance(raw, bytes) else raw
    return parse_qsl(encoded, keep_blank_values=True, encoding="utf-8", errors="replace")


async def sent_pairs(request: Request) -> list[tuple[str, str]]:
    """Read what SyncInput reads: GET and DELETE the query, POST by its Content-Type.

    A urlencoded POST has query and body together, query first; a multipart one its fields only; any other none at all.
    A form body above 2 MiB is not parsed (Tomcat's maxPostSize); the query still counts.
    """
    query = urlencoded(request.scope["query_string"])
    if request.method != "POST":
        return query
    kind = media_type(request.headers)
    if kind == FORM:
        body = await request.body()
        return query if len(body) > MAX_FORM_BYTES else query + urlencoded(body)
    if kind == MULTIPART:
        async with request.form() as form:
            return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    await request.body()
    return []
