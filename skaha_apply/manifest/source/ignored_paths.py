"""Which files and folders a walk leaves out: hidden ones, and those of `.skaha-apply-ignore` (syntax of gitignore).

Examples can lie next to the manifests of a user, and `apply manifests/` does not start them. A path that the user names
is read, whatever the file lists.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.source.folders import read_resolved

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".skaha-apply-ignore"
_MOST_BYTES = 100_000


class BadIgnoreFile(Exception):
    """An ignore file that cannot be used; `line` is the line that is not a pattern, else 1."""

    def __init__(self, path: str, summary: str, detail: str, line: int = 1) -> None:
        super().__init__(summary)
        self.path, self.summary, self.detail, self.line = path, summary, detail, line


@dataclass(frozen=True)
class IgnoreRules:
    """The patterns of the ignore files of a folder and of the walked folders above it, each with its folder."""

    levels: tuple[tuple[str, GitIgnoreSpec], ...] = ()

    def leaves_out(self, path: str, *, as_folder: bool) -> bool:
        """Whether a path below the folders is left out; the file that is nearest to it decides first, as in git."""
        for folder, spec in reversed(self.levels):
            below = path[len(folder) :].strip(os.sep).replace(os.sep, "/")
            include = spec.check_file(f"{below}/" if as_folder else below).include
            if include is not None:
                return include
        return False


@dataclass(frozen=True)
class VisibleFolder:
    """The entries of a folder that a walk reads, sorted by name; the paths that are left out; the rules that apply."""

    entries: list[os.DirEntry[str]]
    left_out: list[str]
    rules: IgnoreRules


def visible_folder(folder: str, above: IgnoreRules) -> VisibleFolder:
    """The content of a folder without hidden entries and without what the ignore files leave out.

    Raises:
        OSError: if the folder cannot be read.
        BadIgnoreFile: if its ignore file cannot be read, or a line of it is not a pattern.
    """
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    rules = above
    if any(entry.name == IGNORE_FILE for entry in entries):
        rules = IgnoreRules((*above.levels, (folder, _patterns(folder))))
    shown = [entry for entry in entries if not entry.name.startswith(".")]
    if not rules.levels:
        return VisibleFolder(shown, [], rules)
    left_out = {entry.path for entry in shown if rules.leaves_out(entry.path, as_folder=is_folder(entry))}
    return VisibleFolder([entry for entry in shown if entry.path not in left_out], sorted(left_out), rules)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _patterns(folder: str) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - few folders have such a file

    path = str(Path(folder) / IGNORE_FILE)
    lines = _read(path).decode("utf-8-sig", errors="replace").split("\n")
    for number, line in enumerate(lines, start=1):
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            detail = "Remove the line, or write a pattern such as `examples/`."
            summary = f"line {number} of {IGNORE_FILE} is not a pattern of gitignore"
            raise BadIgnoreFile(path, summary, detail, number) from None
    return GitIgnoreSpec.from_lines(lines)


def _read(path: str) -> bytes:
    """The bytes of an ignore file, never only a part: a lost line would start what it leaves out."""
    summary, detail = f"{IGNORE_FILE} cannot be read", "Replace it with a text file, or remove it."
    try:
        data = read_resolved(os.path.realpath(path), _MOST_BYTES)
    except OSError as error:
        raise BadIgnoreFile(path, f"{summary}: {error.strerror or error}", detail) from None
    if len(data) > _MOST_BYTES:
        raise BadIgnoreFile(path, f"{IGNORE_FILE} is larger than {_MOST_BYTES:,} bytes", "List folders, not files.")
    return data
