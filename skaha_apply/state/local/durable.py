"""Replace files as a whole or not at all, and turn errors of the operating system into messages for users."""

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
    from typing import BinaryIO

PRIVATE = 0o600

_HINTS = {
    errno.ENOSPC: "Free disk space, then repeat the command; or store the state elsewhere with --state.",
    errno.EDQUOT: "The quota is used up. Free disk space, then repeat the command; or use another path in --state.",
    errno.EFBIG: "The system limits the size of files. Raise the limit (ulimit -f), then repeat the command.",
    errno.EROFS: "The file system is read-only. Store the state elsewhere with --state.",
    errno.EACCES: "Check the permissions of the file and its folder, or store the state elsewhere with --state.",
    errno.EPERM: "Check the permissions of the file and its folder, or store the state elsewhere with --state.",
    errno.ENOTDIR: "A part of that path is a file, not a folder. Check --state.",
    errno.EEXIST: "A part of that path is a file, not a folder. Check --state.",
    errno.EISDIR: "This is a folder. Give the path of a file in --state.",
    errno.ESPIPE: "This is a pipe or a device. Give the path of a file in --state.",
    errno.ELOOP: "The symbolic links of that path form a circle. Correct one of them, or give another path in --state.",
    errno.ENOLCK: "That file system has no locks. Store the state on another file system with --state.",
    errno.EOPNOTSUPP: "That file system has no locks. Store the state on another file system with --state.",
    errno.ENOSYS: "That file system has no locks. Store the state on another file system with --state.",
}


def refusal(error: OSError, action: str, path: Path) -> StateError:
    """The message for an error of the system; `action` is a verb with its object: `write the state`."""
    reason = error.strerror or str(error)
    hint = _HINTS.get(error.errno or 0, "Check the disk, or store the state elsewhere with --state.")
    return StateError(f"cannot {action} {path}: {reason}", hint=hint)


def read_regular(path: Path, most: int = -1) -> bytes:
    """The content of a regular file, or its first `most` bytes; raises `OSError` as `open_regular` does."""
    with open_regular(path) as file:
        return file.read(most)


def open_regular(path: Path) -> BinaryIO:
    """A regular file, opened for reading.

    Raises `OSError`, at once for a pipe: an open that waits for its writer would never see the end of this process.
    """
    return open(path, "rb", opener=_open_at_once)


def _open_at_once(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):  # `open` itself refuses a folder
        return descriptor
    os.close(descriptor)
    raise OSError(errno.ESPIPE, "not a regular file", path)


def replace(path: Path, data: bytes, *, durable: bool = True, private: bool = False) -> int:
    """Replace the content of `path` by `data` at once: readers see the whole old file or the whole new file.

    The new file keeps the permissions of the old file. Only its user can read a `private` file, also if everybody could
    read the old file. Permissions of a group alone are kept, because a user chose them. With `durable` the file is on
    the disk when this returns. Returns the inode of the new file. Raises `OSError`; then the old file is intact and no
    temporary file remains.
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")
    try:
        inode = _write(temporary, data, private_mode(path) if private else _mode(path), durable=durable)
        os.replace(temporary, path)  # noqa: PTH105 - the same function, with a documented guarantee
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    else:
        if durable:
            _sync(folder)
        return inode
    finally:
        os.close(folder)


def temporary_files(path: Path) -> Iterator[Path]:
    """Temporary files that killed processes left next to `path`."""
    return path.parent.glob(f".{_literal(path.name)}.????????????.tmp")


def share_as(path: Path, model: Path) -> None:
    """Let the group that can use `model` use a new private file or folder too, if a user gave `model` to a group."""
    with suppress(OSError):  # a file system without permissions
        given = stat.S_IMODE(model.stat().st_mode)
        if given & stat.S_IRWXG and not given & stat.S_IRWXO:
            path.chmod(given & ~stat.S_IRWXO)


def sync_folder(folder: Path) -> None:
    """Make a change of names in `folder` survive a power failure, if the file system can."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _sync(folder: int) -> None:
    with suppress(OSError):  # some network file systems refuse to sync a folder
        os.fsync(folder)


def private_mode(path: Path) -> int:
    """The permissions for a private file that is written at `path`."""
    mode = _mode(path)
    return PRIVATE if mode is None or mode & stat.S_IRWXO else mode


def open_private(path: Path, flags: int) -> int:
    """Open or create a private file; a file that everybody could read becomes private. Raises `OSError`."""
    mode = private_mode(path)
    descriptor = os.open(path, flags | os.O_CLOEXEC, PRIVATE)
    if mode == PRIVATE and stat.S_ISREG(os.fstat(descriptor).st_mode):
        with suppress(OSError):  # a file system without permissions, or a file of another user
            os.fchmod(descriptor, PRIVATE)
    return descriptor


def _mode(path: Path) -> int | None:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None


def _write(path: Path, data: bytes, mode: int | None, *, durable: bool) -> int:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666 if mode is None else PRIVATE)
    with open(descriptor, "wb", buffering=0) as file:  # noqa: PTH123 - this is a descriptor
        if mode is not None:
            with suppress(OSError):  # a file system without permissions
                os.fchmod(descriptor, mode)
        view = memoryview(data)
        while view:
            view = view[file.write(view) :]
        if durable:
            os.fsync(descriptor)
        return os.fstat(descriptor).st_ino


def _literal(name: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)
