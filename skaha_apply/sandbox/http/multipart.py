"""Fields of a `multipart/form-data` body, read as commons-fileupload reads them for SyncInput.

Only fields count, and a missing boundary ends in 500. Source: [SyncInput].
"""

from __future__ import annotations

import re

_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]+)"|([^\s;,"]+))', re.IGNORECASE)
_DISPOSITION = re.compile(rb"^content-disposition\s*:\s*form-data\b(.*)$", re.IGNORECASE | re.MULTILINE)
_NAME = re.compile(rb';\s*name\s*=\s*(?:"([^"]*)"|([^\s;]+))', re.IGNORECASE)
_FILE = re.compile(rb";\s*filename\s*=", re.IGNORECASE)


class UnreadableInput(ValueError):
    """The body has no boundary, or ends in the middle of a part."""


def read_fields(content_type: str, body: bytes) -> list[tuple[str, str]]:
    """Return name and value of each field, without the parts that are files; raises UnreadableInput."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise UnreadableInput("no boundary")
    mark = b"--" + (found[1] or found[2]).encode("latin-1", "replace")
    parts = (b"\r\n" + body).split(b"\r\n" + mark)[1:]
    fields: list[tuple[str, str]] = []
    for part in parts:
        if part.startswith(b"--"):
            return fields
        fields += _field(part)
    if parts:
        raise UnreadableInput("the last boundary is missing")
    return fields


def _field(part: bytes) -> list[tuple[str, str]]:
    """Return the field of one part; a file, or a part without a name, has no field."""
    head, separator, content = part.partition(b"\r\n\r\n")
    if not separator:
        raise UnreadableInput("the headers of a part do not end")
    disposition = _DISPOSITION.search(head.replace(b"\r", b""))
    name = _NAME.search(disposition[1]) if disposition else None
    if disposition is None or name is None or _FILE.search(disposition[1]):
        return []
    return [((name[1] or name[2] or b"").decode("utf-8", "replace"), content.decode("utf-8", "replace"))]
