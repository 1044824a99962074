"""Where the manifests of a project lie, and the names by which the state records them.

The names are relative to the checkout that holds the manifests. They are the same from whichever folder, and by
whichever link, a command is invoked: the planner compares them with the names in the state.
"""

from __future__ import annotations

import os
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.source.files import path_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from skaha_apply.manifest.source.files import FoundFiles, ManifestFile

    Homes = Callable[[Sequence[str]], tuple[str, ...]]

STDIN = "-"


@dataclass(frozen=True)
class Site:
    """Where the manifests of one project lie.

    `homes` and `around` are as in `Project`; `names` gives the recorded name of a file or folder.
    """

    homes: tuple[str, ...]
    around: tuple[str, ...]
    names: RecordedNames


@dataclass
class RecordedNames:
    """Recorded names of files and folders, relative to the real path `base` and with `/`."""

    base: str
    _known: dict[str, str | None] = field(default_factory=dict)

    def of(self, path: str) -> str:
        """The name of a file; absolute if the file is not below the base, `-` for standard input."""
        if path == STDIN:
            return path
        absolute = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links
        below = self._below(absolute)
        if below is None:
            below = path_below(os.path.realpath(absolute), self.base)
        return Path(absolute if below is None else below).as_posix()

    def of_folder(self, path: str) -> str:
        """The name of a folder that was walked; `.` for one that holds the base."""
        holds_base = path_below(self.base, os.path.realpath(path)) is not None
        return "." if holds_base else self.of(path)

    def _below(self, path: str) -> str | None:
        """The path below the base, along the folders as the user wrote them."""
        if path not in self._known:
            folder, name = os.path.split(path)
            if os.path.realpath(path) == self.base:
                self._known[path] = "."
            else:
                up = None if folder == path else self._below(folder)
                self._known[path] = None if up is None else os.path.join(up, name)  # noqa: PTH118 - a text
        return self._known[path]


def find_site(sources: Iterable[ManifestFile], homes: Homes) -> Site:
    """The site of the project that some manifests describe."""
    real: dict[str, None] = {}
    around: dict[str, None] = {}
    for source in sources:
        here = os.getcwd() if source.path == STDIN else None  # noqa: PTH109 - a text, not a Path
        real_folder = here or os.path.dirname(os.path.realpath(source.path))  # noqa: PTH120 - a text, not a Path
        written = here or os.path.dirname(os.path.abspath(source.path))  # noqa: PTH100, PTH120 - a text
        real[real_folder] = None
        around |= {real_folder: None, written: None}
    found = homes(tuple(real))
    base = found[0] if len(found) == 1 else os.path.commonpath(found)
    return Site(found, tuple(around), RecordedNames(os.path.realpath(base)))


def recorded(found: FoundFiles, site: Site) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The recorded names of all files and all walked folders of an invocation, for the project of a site."""
    files = tuple(site.names.of(source.path) for source in found.sources)
    return files, tuple(dict.fromkeys(site.names.of_folder(folder) for folder in found.folders))
