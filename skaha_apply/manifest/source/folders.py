"""The folders that an invocation may read, and how a file in them is opened.

A manifest can come from an untrusted pull request, and its lists are sent to a server. So no path and no link leads
out of these folders, and nothing hidden is read, where checkouts keep credentials (`.git/config`).
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Sequence

_PART = 1 << 20  # bytes


class NotRegularFileError(OSError):
    """The path leads to a folder, a pipe or a device."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EINVAL, "not a regular file", path)


class TooLargeError(Exception):
    """A file has more bytes than its reader accepts."""


def roots(paths: Sequence[Path | str]) -> tuple[str, ...]:
    """The real paths of the folder of the invocation, and of the folders that the user named, or whose files.

    A named folder below the folder of the invocation that is a link out of it is left out: only the manifests in it may
    use it (`escape`).
    """
    named = [str(path) for path in paths if str(path) not in {"", "-"} and "\x00" not in str(path)]
    folders = [path if os.path.isdir(path) else os.path.dirname(os.path.abspath(path)) for path in named]  # noqa: PTH100, PTH112, PTH120 - as written
    return tuple(dict.fromkeys(os.path.realpath(folder) for folder in (os.curdir, *folders) if not escape(folder)))


def escape(folder: str) -> str:
    """The real path of a folder below that of the invocation, if it is a link out of that folder; else ""."""
    here, written, real = os.getcwd(), os.path.abspath(folder), os.path.realpath(folder)  # noqa: PTH100, PTH109 - as written
    out = within(written, [here]) and real != os.path.realpath(here) and not within(real, [os.path.realpath(here)])
    return real if out else ""


def is_open(real_path: str, folders: Sequence[str]) -> bool:
    """Whether a real path is below one of the folders, and not hidden there."""
    return any(not is_hidden(Path(path).parts) for path in within(real_path, folders))


def is_hidden(parts: Sequence[str]) -> bool:
    """Whether a part of a path begins with a dot."""
    return any(part.startswith(".") for part in parts)


def within(real_path: str, folders: Sequence[str]) -> list[str]:
    """The path within each of the folders that it is below."""
    with_ends = (folder if folder.endswith(os.sep) else folder + os.sep for folder in folders)
    return [real_path[len(folder) :] for folder in with_ends if real_path.startswith(folder)]


def read_resolved(real_path: str, most: int) -> bytes:
    """The first `most` + 1 bytes of a file, by its real path: more than `most` means that the file is larger.

    Raises:
        NotRegularFileError: the path leads to a folder, a pipe or a device. No open waits for the writer of a pipe.
        OSError: also if a part of the path became a link since it was resolved.
    """
    try:
        with open(real_path, "rb", opener=_open_resolved) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise NotRegularFileError(real_path)
            return file.read(most + 1)
    except IsADirectoryError:
        raise NotRegularFileError(real_path) from None


def read_at_most(file: BinaryIO, most: int) -> bytes:
    """The content of a file or a pipe, in parts, so that a large limit takes no memory by itself.

    Raises:
        TooLargeError: it has more than `most` bytes. A regular file is not read then.
        OSError: it cannot be read.
    """
    with suppress(OSError):  # a stream without a descriptor
        if os.fstat(file.fileno()).st_size > most:
            raise TooLargeError
    parts, left = [], most
    while part := file.read(_PART):
        parts.append(part)
        left -= len(part)
        if left < 0:
            raise TooLargeError
    return b"".join(parts)


def _open_resolved(real_path: str, _: int) -> int:
    # Without O_NONBLOCK the open of a FIFO would wait for its writer, for ever.
    leaf = os.O_RDONLY | sum(getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_CLOEXEC", "O_NOFOLLOW"))
    if not hasattr(os, "O_PATH"):
        return os.open(real_path, leaf)
    # O_PATH needs no right to list a folder, as an open for reading would.
    folder = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    root, *parts, name = Path(real_path).parts
    current = os.open(root, folder)
    try:
        for part in parts:
            inner = os.open(part, folder, dir_fd=current)
            os.close(current)
            current = inner
        return os.open(name, leaf, dir_fd=current)
    finally:
        os.close(current)
