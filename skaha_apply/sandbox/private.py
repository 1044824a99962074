"""Files of the sandbox that its user alone can read: tokens, locks and logs of sessions."""

from __future__ import annotations

import os


def private(path: str, flags: int) -> int:
    """An opener for `open`: a file that is created gets the mode 0600."""
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
