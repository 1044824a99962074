"""Reads the comments in an artifact.

Somebody outside can have made it, so it is data within limits, and none of it is a path.
"""

from __future__ import annotations

import io
import stat
import zipfile
import zlib

from skaha_apply.model.errors import SkahaApplyError
from skaha_apply.render.results.comment import PlanComment, read_comments

NAME = "comment.md"
ARCHIVE = 2 * 1024 * 1024  # bytes of the archive
LARGEST = 1024 * 1024  # bytes of the file in it
MOST = 10  # plans


def comments_in(archive: bytes) -> tuple[PlanComment, ...]:
    """The plans in an archive with one file, `NAME`. Nothing is written to the disk.

    Raises `SkahaApplyError` for any other archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            text = _only_file(opened).decode("utf-8")
        found = read_comments(text)
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise _refused(str(error)) from None
    if len(found) > MOST:
        raise _refused(f"it has {len(found)} plans, more than {MOST}")
    return found


def _only_file(opened: zipfile.ZipFile) -> bytes:
    entries = opened.infolist()
    if [one.filename for one in entries] != [NAME]:
        raise ValueError(f"it has other files than {NAME}")
    (entry,) = entries
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise ValueError(f"{NAME} is not a file")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{NAME} is compressed in an unusual way")  # others can ask for any amount of memory
    with opened.open(entry) as file:
        data = file.read(LARGEST + 1)  # the size that the archive states can be wrong
    if len(data) > LARGEST:
        raise ValueError(f"{NAME} has more than {LARGEST} bytes")
    return data


def _refused(problem: str) -> SkahaApplyError:
    return SkahaApplyError(
        f"the artifact is not one of skaha-apply, and no comment was written: {problem}",
        hint="Check the workflow of the pull request: it uploads the output comment-file alone.",
    )
