"""Finds the manifests of a command line and reads their text: bounded, never blocking, failures as diagnostics."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.manifest.source.folders import NotRegularFileError, escape, is_open, read_resolved, roots
from skaha_apply.manifest.source.ignored_paths import IGNORE_FILE, BadIgnoreFile, IgnoreRules, is_folder, visible_folder
from skaha_apply.model.diagnostics import Diagnostic, Location, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

MAX_BYTES = 32 << 20  # of one manifest: a survey of 100,000 sessions fits
MAX_FILES = 5_000  # manifests of one invocation
MAX_ENTRIES = 200_000  # files and folders that are searched for manifests
SUFFIXES = (".yaml", ".yml")
UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # in the log of CI, a new line can be a command


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One manifest: `shown` as the user would write it, `path` as it was found; both `-` for standard input.

    `folder` is the named folder in which it was found, as the user would write it; "" for a file that was named.
    `open_folders` are the real paths of the folders that it may be in, and whose text messages may show.
    """

    shown: str
    path: str
    folder: str = ""
    open_folders: tuple[str, ...] = ()

    @property
    def real_path(self) -> str:
        """Its real path; `-` for standard input."""
        return "-" if self.shown == "-" else os.path.realpath(self.shown)

    def is_open(self, real_path: str) -> bool:
        """Whether messages may show the text of this real path."""
        return real_path == "-" or is_open(real_path, self.open_folders)


@dataclass
class FoundFiles:
    """The manifests of an invocation, and the folders that were walked for them.

    `outside` are links in named folders that lead out of all of them, or to something hidden. They are not followed.
    `ignored` are the files and folders that an ignore file leaves out.
    """

    sources: list[ManifestFile] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


class ManifestFileError(Exception):
    """A manifest whose text cannot be read; `data` is the part of it that was read."""

    def __init__(self, rule: str, summary: str, detail: str, location: Location, data: bytes = b"") -> None:
        super().__init__(summary)
        self.data = data
        self.diagnostic = Diagnostic(rule, Severity.ERROR, summary, detail, location)


def discover(paths: Sequence[Path | str], apart: Collection[str] = ()) -> FoundFiles:
    """The manifests that files, folders and `-` stand for, in the order of the paths, each once.

    The files with values for variables are `apart` (real paths). They are never manifests: in a folder they are left
    out, and to name one is an error.
    """
    discovery = _Discovery(roots(paths), apart)
    for path in paths:
        try:
            discovery.take(str(path))
        except ManifestFileError as error:
            discovery.found.diagnostics.append(error.diagnostic)
        except (OSError, ValueError) as error:
            discovery.found.diagnostics.append(_unreadable(str(path), error).diagnostic)
    discovery.found.sources.extend(discovery.sources.values())
    return discovery.found


@dataclass
class _Discovery:
    """The manifests found so far, by their real paths."""

    open_folders: tuple[str, ...]
    apart: Collection[str]
    found: FoundFiles = field(default_factory=FoundFiles)
    sources: dict[str, ManifestFile] = field(default_factory=dict)

    def take(self, path: str) -> None:
        """Add the manifests that one path stands for. Raises `ManifestFileError`, `OSError` or `ValueError`."""
        if path == "-":
            self._add("-", ManifestFile("-", "-", open_folders=self.open_folders))
        elif not path:
            raise _file_error("(empty path)", "the path is empty", "Name a manifest, a folder of manifests, or `-`.")
        elif os.path.isdir(path):  # noqa: PTH112 - stays a text: Path would drop a leading ./ and undecodable bytes
            self._take_folder(path)
        else:
            self._take_file(path)

    def _take_file(self, path: str) -> None:
        os.stat(path)  # noqa: PTH116 - its exception states what is wrong
        real_path = os.path.realpath(path)
        if real_path in self.apart:
            detail = "It is the file of --var-file. Name the manifests only."
            raise _file_error(shown_path(path), "this file holds values for variables, it is not a manifest", detail)
        escaped = escape(os.path.dirname(os.path.abspath(path)))  # noqa: PTH100, PTH120 - as written
        self._add(real_path, self._source(path, "", escaped))

    def _take_folder(self, path: str) -> None:
        if path not in self.found.folders:
            self.found.folders.append(path)
        shown, escaped = shown_path(path), escape(path)
        before = len(self.found.diagnostics)
        open_folders = (*self.open_folders, escaped) if escaped else self.open_folders
        real_paths = {one: os.path.realpath(one) for one in _walk(path, self.found, open_folders)}
        manifests = {one: real_path for one, real_path in real_paths.items() if real_path not in self.apart}
        if not manifests and len(self.found.diagnostics) == before:
            raise without_manifests(shown)
        for one, real_path in manifests.items():
            self._add(real_path, self._source(one, shown, escaped))

    def _source(self, path: str, folder: str, escaped: str) -> ManifestFile:
        open_folders = (*self.open_folders, escaped) if escaped else self.open_folders
        return replace(_source(path), folder=folder, open_folders=open_folders)

    def _add(self, real_path: str, source: ManifestFile) -> None:
        known = self.sources.get(real_path)
        if known is None and len(self.sources) >= MAX_FILES:
            raise _file_error(source.shown, f"more than {MAX_FILES:,} manifests", "Name the folder that holds yours.")
        if known is None or (known.folder and not source.folder):
            self.sources[real_path] = source


def without_manifests(folder: str, why: str = "") -> ManifestFileError:
    """The error of a folder, as the user would write it, that holds no manifest."""
    detail = why or f"Every *.yaml and *.yml below is read, except hidden ones and those that {IGNORE_FILE} lists."
    return _file_error(folder, f"no manifests in the folder {quoted(folder)}", detail)


def _walk(folder: str, found: FoundFiles, open_folders: Sequence[str]) -> Iterator[str]:
    """Every manifest below a folder, sorted, without a folder that was visited before (links can form a circle).

    No link is followed out of the open folders.
    """
    waiting = [(folder, IgnoreRules())]
    visited: set[str] = set()
    searched = 0
    while waiting:
        current, above = waiting.pop()
        real = os.path.realpath(current)
        if real in visited:
            continue
        visited.add(real)
        try:
            content = visible_folder(current, above)
        except (OSError, BadIgnoreFile) as error:
            found.diagnostics.append(_unreadable(current, error).diagnostic)
            continue
        shown = content.entries
        found.ignored.extend(map(shown_path, content.left_out))
        searched += len(shown)
        if searched > MAX_ENTRIES:
            summary = f"more than {MAX_ENTRIES:,} files below {quoted(shown_path(folder))}"
            raise _file_error(shown_path(folder), summary, "Name the folder that holds your manifests.")
        outside = {entry.path: entry for entry in shown if _leads_out(entry, open_folders)}
        links = (path for path, entry in outside.items() if entry.name.endswith(SUFFIXES) or is_folder(entry))
        found.outside.extend(map(shown_path, links))
        shown = [entry for entry in shown if entry.path not in outside]
        waiting.extend((entry.path, content.rules) for entry in reversed(shown) if is_folder(entry))
        yield from (entry.path for entry in shown if entry.name.endswith(SUFFIXES) and not is_folder(entry))


def _leads_out(entry: os.DirEntry[str], open_folders: Sequence[str]) -> bool:
    if not entry.is_symlink():
        return False
    real_path = os.path.realpath(entry.path)
    return real_path not in open_folders and not is_open(real_path, open_folders)


def _source(path: str) -> ManifestFile:
    try:
        path.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "replace")
        raise _file_error(shown, "the name of the file is not UTF-8", "Rename the file.") from None
    if CONTROL.search(path):
        shown = CONTROL.sub("?", path)
        raise _file_error(shown, "the name of the file has a control character", "Rename the file, or its folder.")
    return ManifestFile(shown_path(path), path)


def shown_path(path: str) -> str:
    """A path as the user would write it: relative to the working directory when it is below that, with `/`."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links, which users did not write
    below = path_below(absolute, os.getcwd())  # noqa: PTH109 - a text, not a Path
    shown = Path(below if below is not None else path).as_posix()
    return shown.encode("utf-8", "replace").decode()


def path_below(path: str, folder: str) -> str | None:
    """The part of a path below a folder, `.` for the folder itself, None for a path elsewhere; both absolute."""
    if path == folder:
        return "."
    prefix = folder if folder.endswith(os.sep) else folder + os.sep
    return path[len(prefix) :] if path.startswith(prefix) else None


def read_bytes(source: ManifestFile, real_path: str, stdin: Callable[[], bytes] | None) -> bytes:
    """The bytes of a manifest, `real_path` is its real path; raises `ManifestFileError` with the diagnostic."""
    if source.shown == "-":
        data = stdin() if stdin is not None else sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        try:
            data = _read_file(source, real_path)
        except OSError as error:
            raise _unreadable(source.shown, error) from None
    if len(data) > MAX_BYTES:
        summary = f"larger than {MAX_BYTES >> 20} MB"
        detail = "Split the file: the files of one project are merged."
        raise ManifestFileError("too-large", summary, detail, Location(source.shown), data)
    return data


def _read_file(source: ManifestFile, real_path: str) -> bytes:
    if source.folder and not source.is_open(real_path):
        raise _file_error(source.shown, "a link leads out of the folder", "Replace the link with the file.")
    try:
        return read_resolved(real_path, MAX_BYTES)
    except NotRegularFileError:
        detail = "Name a file or a folder; `-` reads the manifest from standard input."
        raise _file_error(source.shown, "not a regular file", detail) from None


def decode(data: bytes, file: str) -> str:
    """The text of UTF-8 bytes, with or without a byte order mark. Raises `ManifestFileError` with the wrong place."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ManifestFileError("encoding", "the file is UTF-16", "Save it as UTF-8.", Location(file))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if b"\x00" in data[:4096]:
            raise _binary(file) from None
        start = error.start + (3 if data.startswith(b"\xef\xbb\xbf") else 0)
        before = data[:start].decode("utf-8-sig", "replace")
        summary = f"byte 0x{data[start]:02X} is not UTF-8"
        guess = data[start : start + 1].decode("latin-1")
        detail = "Save the file as UTF-8"
        if guess.isprintable():
            detail += f"; if it is Latin-1 (then this is {guess}): iconv -f latin1 -t utf-8 OLD > NEW"
        raise ManifestFileError("encoding", summary, detail + ".", _place_after(before, file)) from None
    wrong = UNREADABLE.search(text)
    if wrong is None:
        return text
    if wrong[0] == "\x00":
        raise _binary(file)
    summary = f"the character U+{ord(wrong[0]):04X} is not allowed in YAML"
    detail = f'Remove it. If you need it, write it in double quotes as "\\u{ord(wrong[0]):04x}".'
    raise ManifestFileError("encoding", summary, detail, _place_after(text[: wrong.start()], file))


def _place_after(text: str, file: str) -> Location:
    lines = re.split(r"\r\n|\r|\n", text)
    return Location(file, len(lines), len(lines[-1]) + 1, len(lines), len(lines[-1]) + 2)


def _binary(file: str) -> ManifestFileError:
    return ManifestFileError("encoding", "this is not a text file", "A manifest is YAML text in UTF-8.", Location(file))


def _file_error(shown: str, summary: str, detail: str) -> ManifestFileError:
    return ManifestFileError("file", summary, detail, Location(shown))


def _unreadable(path: str, error: Exception) -> ManifestFileError:
    if isinstance(error, BadIgnoreFile):
        return ManifestFileError("file", error.summary, error.detail, Location(shown_path(error.path), error.line))
    shown = shown_path(path) if "\x00" not in path else "(path)"
    if isinstance(error, FileNotFoundError):
        detail = "Name a manifest, a folder of manifests, or `-` for standard input."
        return _file_error(shown, "no such file or folder", detail)
    reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    return _file_error(shown, f"cannot be read: {reason}", "")
