"""Fields of a `multipart/form-data` body, read as commons-fileupload does for SyncInput.

Source: skaha-api.md, "How parameters are read": only fields count; a missing boundary ends in 500.
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
    """Give name and value of each field; parts that are files are left out. Raises UnreadableInput."""
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
    """Give the field of one part; no field for a file, and for a part without a name."""
    head, separator, content = part.partition(b"\r\n\r\n")
    if not separator:
        raise UnreadableInput("a part has no end of its headers")
    disposition = _DISPOSITION.search(head.replace(b"\r", b""))
    name = _NAME.search(disposition[1]) if disposition else None
    if disposition is None or name is None or _FILE.search(disposition[1]):
        return []
    return [((name[1] or name[2] or b"").decode("utf-8", "replace"), content.decode("utf-8", "replace"))]
