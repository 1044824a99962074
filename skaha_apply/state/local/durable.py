"""Files that are replaced as a whole or not at all, and what an operating system's refusal means to a user."""

from __future__ import annotations

import errno
import os
import stat
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING

from skaha_apply.model.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PRIVATE = 0o600

_HINTS = {
    errno.ENOSPC: "Free some space, then run it again; or keep the state elsewhere with --state.",
    errno.EDQUOT: "The quota is used up: free some space, then run it again; or keep the state elsewhere with --state.",
    errno.EFBIG: "The system limits the size of files (ulimit -f); lift the limit, then run it again.",
    errno.EROFS: "The file system is read-only; keep the state elsewhere with --state.",
    errno.EACCES: "Check the rights of the file and its folder, or keep the state elsewhere with --state.",
    errno.EPERM: "Check the rights of the file and its folder, or keep the state elsewhere with --state.",
    errno.ENOTDIR: "A part of that path is a file, not a folder: check --state.",
    errno.EEXIST: "A part of that path is a file, not a folder: check --state.",
    errno.EISDIR: "That is a folder; --state wants the path of a file.",
    errno.ELOOP: "The symbolic links of that path form a circle.",
    errno.ENOLCK: "That file system has no locks; keep the state on another one with --state.",
    errno.EOPNOTSUPP: "That file system has no locks; keep the state on another one with --state.",
    errno.ENOSYS: "That file system has no locks; keep the state on another one with --state.",
}


def refusal(error: OSError, doing: str, path: Path) -> StateError:
    """What the user is told when the system refuses; `doing` is a verb with its object: `write the state`."""
    reason = error.strerror or str(error)
    hint = _HINTS.get(error.errno or 0, "Check the disk, or keep the state elsewhere with --state.")
    return StateError(f"cannot {doing} {path}: {reason}", hint=hint)


def replace(path: Path, data: bytes, *, durable: bool = True, private: bool = False) -> None:
    """Put `data` in the place of `path` at once: readers see the old file or the new one, whole.

    The rights of a file that is replaced are kept. A `private` file is readable by its user only, also if the old file
    was readable by everybody; rights for a group alone are somebody's choice and kept. With `durable` the file has
    reached the disk when this returns. Raises `OSError`; the old file is then intact and nothing is left next to it.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)  # first, for nothing may fail once it is replaced
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        _write(temporary, data, private_rights(path) if private else _rights(path), durable=durable)
        os.replace(temporary, path)  # noqa: PTH105 - the same call, and the one whose promise is documented
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    else:
        if durable:
            _sync(folder)
    finally:
        os.close(folder)


def leftovers(path: Path) -> Iterator[Path]:
    """Temporary files that processes left beside `path` when they were killed."""
    return path.parent.glob(f".{_literal(path.name)}.????????????.tmp")


def sync_folder(folder: Path) -> None:
    """Make a change of names in `folder` outlive a power failure, where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _sync(folder: int) -> None:
    with suppress(OSError):  # some network file systems refuse to sync a folder
        os.fsync(folder)


def private_rights(path: Path) -> int:
    """The rights for a private file that is written at `path`."""
    rights = _rights(path)
    return PRIVATE if rights is None or rights & stat.S_IRWXO else rights


def open_private(path: Path, flags: int) -> int:
    """Open or create a private file; one that everybody could read is closed to others. Raises `OSError`."""
    rights = private_rights(path)
    descriptor = os.open(path, flags | os.O_CLOEXEC, PRIVATE)
    if rights == PRIVATE and stat.S_ISREG(os.fstat(descriptor).st_mode):
        with suppress(OSError):  # a file system without rights, or a file of another user
            os.fchmod(descriptor, PRIVATE)
    return descriptor


def _rights(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def _write(path: Path, data: bytes, rights: int | None, *, durable: bool) -> None:
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666 if rights is None else PRIVATE
    )
    with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123 - it is a descriptor
        if rights is not None:
            with suppress(OSError):  # file systems without rights
                os.fchmod(descriptor, rights)
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]
        if durable:
            os.fsync(descriptor)


def _literal(name: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)
