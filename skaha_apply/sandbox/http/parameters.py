"""Parameters of a request as Tomcat decodes them and SyncInput keeps them.

Source: [SyncInput, RestAction, Tomcat].
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.sandbox.http.multipart import UnreadableInput, read_fields
from skaha_apply.sandbox.http.responses import bad_request, unexpected

if TYPE_CHECKING:
    from collections.abc import Iterable

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
MAX_FORM_BYTES = 2 * 1024 * 1024
MAX_PARAMETERS = 10_000
# Tomcat's default for a form body. For a charset that is not listed here the default is used, too.
DEFAULT_CHARSET = "iso-8859-1"
_CHARSETS = {name: name for name in ("utf-8", "iso-8859-1", "iso-8859-15", "windows-1252")}
_CHARSETS |= {"utf8": "utf-8", "latin1": "iso-8859-1", "us-ascii": "ascii", "ascii": "ascii"}
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^\s;"]+)', re.IGNORECASE)
_BAD_ESCAPE = re.compile(rb"%(?![0-9a-fA-F]{2})")
_ESCAPE = re.compile(rb"%([0-9a-fA-F]{2})")

Pairs = list[tuple[str, str]]


class RequestParameters:
    """Parameters of one request. Names are case-insensitive; only the first value counts, except for `env`.

    Two spellings of one name are refused with 400 `null`, unless they are fields of a multipart body (`merge`).
    """

    def __init__(self, pairs: Iterable[tuple[str, str]], *, merge: bool = False) -> None:
        self._values: dict[str, list[str]] = {}
        spelling: dict[str, str] = {}
        for name, value in pairs:
            key = name.lower()
            if spelling.setdefault(key, name) != name and not merge:
                raise bad_request("null")
            self._values.setdefault(key, []).append(value)

    def first(self, name: str) -> str | None:
        """Return the first value of `name`, or None if it is absent (an empty value is not absent)."""
        values = self._values.get(name)
        return values[0] if values else None

    def text(self, name: str) -> str | None:
        """Return the first value of `name`, or None if it is absent or blank."""
        value = self.first(name)
        return value if value and value.strip() else None

    def every(self, name: str) -> list[str]:
        """Return all values of `name` in the order sent."""
        return self._values.get(name, [])


def media_type(content_type: str) -> str:
    """Return the media type of a Content-Type: the part before the `;`, in lower case."""
    return content_type.partition(";")[0].lower()


def decode_form(raw: bytes, charset: str = "utf-8") -> Pairs:
    """Read `a=1&b=2`.

    A name without `=` has an empty value. A pair without a name, or with an invalid `%`, is ignored.
    """
    pairs = []
    for chunk in raw.split(b"&"):
        name, _, value = chunk.partition(b"=")
        if name and not _BAD_ESCAPE.search(chunk):
            pairs.append((_unquote(name, charset), _unquote(value, charset)))
    return pairs


def _unquote(raw: bytes, charset: str) -> str:
    plain = raw.replace(b"+", b" ")
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), plain).decode(charset, "replace")


def _charset(content_type: str) -> str:
    """Return the charset of a form body: that of the Content-Type, else ISO-8859-1."""
    found = _CHARSET.search(content_type)
    return _CHARSETS.get(found[1].lower(), DEFAULT_CHARSET) if found else DEFAULT_CHARSET


def decode_body(content_type: str, body: bytes) -> Pairs:
    """Read the pairs of a POST's body; raises Refusal with 500 for a multipart body that cannot be read.

    A form of more than 2 MiB is not parsed. A body of another type has no parameters.
    """
    kind = media_type(content_type)
    if kind == FORM:
        return [] if len(body) > MAX_FORM_BYTES else decode_form(body, _charset(content_type))
    if kind.startswith(MULTIPART):
        try:
            return read_fields(content_type, body)
        except UnreadableInput:
            raise unexpected("java.io.IOException", "failed to read input") from None
    return []


def read_parameters(method: str, content_type: str, query: Pairs, body: Pairs) -> RequestParameters:
    """Return the parameters that SyncInput keeps; raises Refusal.

    GET and DELETE keep the query. A POST with a form keeps the query and then the body, a multipart POST keeps its
    fields only, and any other POST keeps nothing.
    """
    kind = media_type(content_type)
    if method != "POST":
        return RequestParameters(query[:MAX_PARAMETERS])
    if kind == FORM:
        return RequestParameters((query + body)[:MAX_PARAMETERS])
    return RequestParameters(body, merge=True) if kind.startswith(MULTIPART) else RequestParameters([])
