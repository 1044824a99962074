"""Files that a command writes beside what it prints: reports and pictures."""

from __future__ import annotations

from pathlib import Path

from skaha_apply.cli.session_ids import public
from skaha_apply.cli.veil import veiled
from skaha_apply.model.errors import SkahaApplyError
from skaha_apply.render.printable import line


def write_file(what: str, path: str, content: str | bytes) -> None:
    """Write a file, text as UTF-8, sensitive values and IDs of interactive sessions hidden.

    Raises `SkahaApplyError` that names `what` it was to hold.
    """
    try:
        Path(path).write_bytes(public(veiled(content)).encode() if isinstance(content, str) else content)
    except (OSError, ValueError) as error:  # a ValueError for what can be no path, or no UTF-8
        reason = getattr(error, "strerror", None) or error
        raise SkahaApplyError(f"cannot write the {what} {line(path)}: {reason}") from error
