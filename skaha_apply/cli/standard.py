"""Standard input, as a file."""

from __future__ import annotations

import sys

from skaha_apply.model.errors import UsageError


def stdin_bytes(what: str = "a manifest") -> bytes:
    """All of standard input, which is `what`; raises `UsageError` where there is none."""
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError(f"there is no standard input to read {what} from")
    return sys.stdin.buffer.read()
