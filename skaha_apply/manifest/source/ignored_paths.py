"""Which files and folders a folder leaves out of a walk: the names in its file `.skaha-apply-ignore`.

Examples can lie next to the manifests of a user, and `apply manifests/` does not start them. A path that the user names
is read, whatever the file lists.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path

IGNORE_FILE = ".skaha-apply-ignore"
_MOST_BYTES = 100_000


def visible_entries(folder: str) -> list[os.DirEntry[str]]:
    """The entries of a folder that a walk reads, sorted by name: neither hidden ones nor those of the ignore file.

    Raises:
        OSError: if the folder or its ignore file cannot be read.
    """
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    patterns = _patterns(folder) if any(entry.name == IGNORE_FILE for entry in entries) else ()
    return [
        entry
        for entry in entries
        if not entry.name.startswith(".") and not any(fnmatchcase(entry.name, pattern) for pattern in patterns)
    ]


def _patterns(folder: str) -> tuple[str, ...]:
    """One name or pattern (`*`, `?`) on each line; lines that start with `#` are comments."""
    with (Path(folder) / IGNORE_FILE).open("rb") as file:
        text = file.read(_MOST_BYTES).decode("utf-8-sig", errors="replace")
    lines = (line.strip().rstrip("/") for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))
