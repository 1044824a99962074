"""Standard input, as a manifest."""

from __future__ import annotations

import sys

from skaha_apply.model.errors import UsageError


def stdin_bytes() -> bytes:
    """All of standard input; raises `UsageError` where there is none."""
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError("there is no standard input to read a manifest from")
    return sys.stdin.buffer.read()
