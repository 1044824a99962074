"""The signature of a file: what `stat` shows of it, and when that proves that its content is the same as before."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import os
    from pathlib import Path

_SECOND = 1_000_000_000
_STEP = _SECOND // 10  # nanoseconds; more than the ten milliseconds that a kernel can take between two file times
_COARSE_STEP = 2 * _SECOND + _STEP  # of a file system that stores whole seconds, or every other one


class FileSignature(NamedTuple):
    """Identity, times and size of a file. `modified` is the time of its content, `changed` that of its inode, in ns.

    A file system can use an inode again, and its times advance in steps. So two contents can have one signature, if
    both are written within a step.
    """

    inode: int
    modified: int
    changed: int
    size: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileSignature:
        """The signature of a file with this status."""
        return cls(status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size)

    def is_final_at(self, moment: int) -> bool:
        """Whether each change after a moment gives the file another signature.

        `moment` is a time of the same file system in ns.
        """
        is_coarse = any(time % _SECOND == 0 for time in (self.modified, self.changed, moment))
        return max(self.modified, self.changed) + (_COARSE_STEP if is_coarse else _STEP) < moment


def file_signature(path: Path) -> FileSignature | None:
    """The signature of a file; None if there is no file. Raises `OSError`."""
    try:
        return FileSignature.of(path.stat())
    except FileNotFoundError:
        return None
