"""The lists and tables of a matrix: found only below the folder of the invocation, read with bounds.

A manifest can come from an untrusted pull request, and its lists are sent to a server. So no path and no link leads
above that folder, and nothing hidden is read: checkouts keep credentials there (`.git/config`).
"""

from __future__ import annotations

import io
import os
import re
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.manifest.source.files import CONTROL, shown_path
from skaha_apply.manifest.source.folders import NotRegularFileError, is_hidden, is_open, read_resolved, within
from skaha_apply.model.diagnostics import Location

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_LIST = 50_000_000  # bytes
NOTE = re.compile(r"\s#")  # inside a value: most likely meant as a comment
LINE_END = re.compile(r"\r\n|\r|\n")


class ListFileError(Exception):
    """A list that cannot be used: what is wrong, what to do, and its line if that is known."""

    def __init__(self, summary: str, detail: str = "", file: str = "", line: int = 0) -> None:
        super().__init__(summary)
        self.summary = summary
        self.detail = detail
        self.file = file
        self.line = line


@dataclass(frozen=True, slots=True)
class ListFile:
    """One list: `shown` as the user would write it, and its text without a byte order mark."""

    shown: str
    text: str

    def values(self, most: int | None = None) -> list[tuple[str, Location]]:
        """The values, one on each line, stripped, with their locations; without comments and blank lines.

        Stops after the first value beyond `most`.
        """
        found: list[tuple[str, Location]] = []
        for number, line in enumerate(io.StringIO(self.text, newline=None), start=1):
            if most is not None and len(found) > most:
                break
            text = line.strip()
            if text and not is_comment(text):
                column = line.index(text) + 1
                found.append((text, Location(self.shown, number, column, number, column + len(text))))
        return found


def is_comment(line: str) -> bool:
    """Whether a line of a list or table is a comment: its first character that is not blank is a `#` without a quote.

    `skaha_apply.distributed` has the same rule, and so have `mark --from` and `split --list`.
    """
    return line.lstrip()[:1] == "#"


@dataclass
class Lists:
    """Finds and reads lists; each is read once.

    `roots` are the folders of lists; the files in `apart` are not lists (both real paths).
    """

    roots: tuple[str, ...]
    apart: Collection[str] = ()
    read: dict[str, ListFile | ListFileError] = field(default_factory=dict)

    def get(self, name: str, manifest_folder: str) -> ListFile:
        """The list with that name: in the folder of the manifest, else in that of the invocation.

        Raises `ListFileError`, also if both folders have one and they differ.
        """
        _refuse_outside(name)
        here = os.getcwd()  # noqa: PTH109 - a text, not a Path
        real_paths = dict.fromkeys(os.path.realpath(os.path.join(folder, name)) for folder in (manifest_folder, here))  # noqa: PTH118
        there = [real_path for real_path in real_paths if os.path.lexists(real_path)]
        if not there:
            named = (shown_path(folder) for folder in (manifest_folder, here))
            searched = " and in ".join(
                dict.fromkeys("the folder of the invocation" if name == "." else name for name in named)
            )
            raise ListFileError(f"there is no file {quoted(name)}", f"The tool searched in {searched}.")
        found = [self._read(real_path, name) for real_path in there]
        if len(found) > 1 and found[0].text != found[1].text:
            summary = f"there are two different files {quoted(name)}: {found[0].shown} and {found[1].shown}"
            raise ListFileError(
                summary, "The tool searches the folder of the manifest, then that of the invocation. Remove one."
            )
        return found[0]

    def _read(self, real_path: str, name: str) -> ListFile:
        if real_path not in self.read:
            try:
                self.read[real_path] = self._open(real_path, name)
            except ListFileError as error:
                self.read[real_path] = error
        known = self.read[real_path]
        if isinstance(known, ListFileError):
            raise known
        return known

    def _open(self, real_path: str, name: str) -> ListFile:
        below = within(real_path, self.roots)
        if not below:
            detail = "A list must be below the folder of the invocation, or below that of the manifest that you named."
            raise ListFileError(f"{quoted(name)} leads out of the folder, by a link", detail)
        if not is_open(real_path, self.roots):
            raise ListFileError(
                f"{quoted(name)} leads to a hidden file", "Move the list to a file without a leading dot."
            )
        shown = shown_path(real_path)
        if real_path in self.apart:
            raise ListFileError(
                f"{quoted(name)} holds values for variables",
                "Such a file is not a list, because its values must not be sent.",
            )
        try:
            return ListFile(shown, _decode(_bytes(real_path, name), name))
        except (OSError, ValueError) as error:
            reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
            raise ListFileError(f"{quoted(name)} cannot be read: {reason}") from None


def _refuse_outside(name: str) -> None:
    parts = Path(name).parts
    detail = "Write a path below the folder of the manifest, or of the invocation."
    if CONTROL.search(name) or not parts:
        raise ListFileError(f"{quoted(name)} is not a path of a file", detail)
    if Path(name).is_absolute() or name.startswith(("~", "\\")) or re.match(r"[A-Za-z]:[/\\]", name):
        raise ListFileError(f"{quoted(name)} is an absolute path", detail)
    if ".." in parts:
        raise ListFileError(f"{quoted(name)} leads out of the folder", detail)
    if is_hidden(parts):
        raise ListFileError(f"{quoted(name)} is hidden", "Move the list to a file without a leading dot.")


def _bytes(real_path: str, name: str) -> bytes:
    try:
        data = read_resolved(real_path, MAX_LIST)
    except NotRegularFileError:
        detail = "Name a file with one value on each line, or a CSV file."
        raise ListFileError(f"{quoted(name)} is not a regular file", detail) from None
    if len(data) > MAX_LIST:
        raise ListFileError(f"{quoted(name)} is larger than {MAX_LIST // 1_000_000} MB")
    return data


def _decode(data: bytes, name: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ListFileError(f"{quoted(name)} is UTF-16", "Save it as UTF-8.")
    if b"\x00" in data:
        raise ListFileError(
            f"{quoted(name)} is not a text file", "A list is UTF-8 text with one value on each line; a table is CSV."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(LINE_END.split(data[: error.start].decode("latin-1")))
        detail = f"The byte 0x{data[error.start]:02X} in line {line} is not: save the file as UTF-8."
        raise ListFileError(f"{quoted(name)} is not UTF-8", detail) from None
