"""Files of a sandbox's data folder: only the user can read them, and one process at a time may own the folder.

The files hold tokens, locks, and the logs of sessions.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from skaha_apply.sandbox.options import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_POLL_S = 0.05


def private_opener(path: str, flags: int) -> int:
    """An opener for `open`: a file that it creates has the mode 0600."""
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def prepare(data: Path) -> None:
    """Create the data folder, readable by the user only; raises SandboxError."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data / "logs").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise SandboxError(f"{data}: {error.strerror}", "choose a data folder that can be written") from None


@contextmanager
def server_lock(data: Path) -> Iterator[None]:
    """Lock the data folder for one server; raises SandboxError if another server runs on it."""
    with open(data / "lock", "a", opener=private_opener) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            hint = "stop it first (sandbox stop), or choose another data folder"
            raise SandboxError(f"a sandbox already runs on {data}", hint) from None
        yield


@contextmanager
def start_lock(data: Path, until: float) -> Iterator[None]:
    """Let one process at a time search for a sandbox and start it.

    Waits until the monotonic time `until`; then raises SandboxError.
    """
    with open(data / "ensure.lock", "a", opener=private_opener) as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > until:
                    raise SandboxError("another process has been starting the sandbox for too long") from None
                time.sleep(_POLL_S)
        yield


def write_private(path: Path, content: str) -> None:
    """Replace a file in one step, readable by the user only; raises SandboxError."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with suppress(FileNotFoundError):
            draft.unlink()
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(content)
        draft.replace(path)
    except OSError as error:
        raise SandboxError(f"{path}: {error.strerror}", "choose a folder that exists and can be written") from None
