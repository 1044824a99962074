"""Which files a command line means, and their text: bounded, never blocking, every failure a diagnostic."""

from __future__ import annotations

import os
import re
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.manifest.findings import quoted
from skaha_apply.model.place import Diagnostic, Place, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

MAX_BYTES = 8 << 20  # of one manifest: a survey of 30,000 sessions fits
MAX_FILES = 5_000  # manifests of one call
MAX_ENTRIES = 200_000  # files and folders that are looked at for manifests
SUFFIXES = (".yaml", ".yml")
UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # in the log of CI a line of its own may be a command


@dataclass(frozen=True, slots=True)
class Source:
    """One manifest: `shown` as the user would write it, `recorded` relative to the root; both `-` for stdin."""

    shown: str
    recorded: str


@dataclass
class Found:
    """What the paths of a call stand for; `folders` relative to the root."""

    sources: list[Source] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)


class Unusable(Exception):
    """A manifest whose text cannot be had."""

    def __init__(self, rule: str, summary: str, detail: str, place: Place) -> None:
        super().__init__(summary)
        self.diagnostic = Diagnostic(rule, Severity.ERROR, summary, detail, place)


def discover(paths: Sequence[Path | str], root: Path, apart: Collection[str] = ()) -> Found:
    """The manifests that files, folders and `-` stand for, in the order of the paths, each once.

    What is found in a folder and is among `apart` (real paths) is none.
    """
    found = Found()
    seen: set[str] = set()
    for path in paths:
        try:
            _discover(str(path), root, found, seen, apart)
        except Unusable as error:
            found.diagnostics.append(error.diagnostic)
        except (OSError, ValueError) as error:
            found.diagnostics.append(_unreadable(str(path), error).diagnostic)
    return found


def _discover(path: str, root: Path, found: Found, seen: set[str], apart: Collection[str]) -> None:
    if path == "-":
        _take(Source("-", "-"), "-", found, seen)
        return
    if not path:
        raise _file_error("(empty path)", "the path is empty", "Name a manifest, a folder of manifests, or `-`.")
    if not os.path.isdir(path):  # noqa: PTH112 - stays a text: Path would drop a leading ./ and bytes that are no text
        os.stat(path)  # noqa: PTH116 - says which of many things is wrong
        _take(_source(path, root), path, found, seen)
        return
    folder = recorded_path(path, root)
    if folder not in found.folders:
        found.folders.append(folder)
    before = len(found.diagnostics)
    walked = list(_walk(path, found))
    manifests = [one for one in walked if os.path.realpath(one) not in apart] if apart else walked
    if not manifests and len(found.diagnostics) == before:
        detail = "Every *.yaml and *.yml below a folder is read, but for hidden files and folders (a leading dot)."
        raise _file_error(shown_path(path), f"no manifests in the folder {quoted(shown_path(path))}", detail)
    for manifest in manifests:
        _take(_source(manifest, root), manifest, found, seen)


def _take(source: Source, path: str, found: Found, seen: set[str]) -> None:
    identity = "-" if path == "-" else os.path.realpath(path)
    if identity in seen:
        return
    if len(seen) >= MAX_FILES:
        raise _file_error(source.shown, f"more than {MAX_FILES:,} manifests", "Name the folder that holds yours.")
    seen.add(identity)
    found.sources.append(source)


def _walk(folder: str, found: Found) -> Iterator[str]:
    """Every manifest below a folder, sorted; folders that were visited before (links in a circle) are passed by."""
    waiting = [folder]
    visited: set[str] = set()
    looked_at = 0
    while waiting:
        current = waiting.pop()
        real = os.path.realpath(current)
        if real in visited:
            continue
        visited.add(real)
        try:
            with os.scandir(current) as entries:
                shown = sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda e: e.name)
        except OSError as error:
            found.diagnostics.append(_unreadable(current, error).diagnostic)
            continue
        looked_at += len(shown)
        if looked_at > MAX_ENTRIES:
            summary = f"more than {MAX_ENTRIES:,} files below {quoted(shown_path(folder))}"
            raise _file_error(shown_path(folder), summary, "Name the folder that holds your manifests.")
        waiting.extend(entry.path for entry in reversed(shown) if _is_folder(entry))
        yield from (entry.path for entry in shown if entry.name.endswith(SUFFIXES) and not _is_folder(entry))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _source(path: str, root: Path) -> Source:
    try:
        path.encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "replace")
        raise _file_error(shown, "the name of the file is not UTF-8", "Rename the file.") from None
    if CONTROL.search(path):
        shown = CONTROL.sub("?", path)
        raise _file_error(shown, "the name of the file has a control character", "Rename the file, or its folder.")
    return Source(shown_path(path), recorded_path(path, root))


def shown_path(path: str) -> str:
    """A path as the user would write it: relative to the working directory when it is below that, with `/`."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow links, which users did not write
    below = _below(absolute, os.getcwd())  # noqa: PTH109 - the text is wanted
    shown = Path(below if below is not None else path).as_posix()
    return shown.encode("utf-8", "replace").decode()


def recorded_path(path: str, root: Path) -> str:
    """A path relative to the root with `/`, absolute when it is not below that."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - as above
    below = _below(absolute, os.path.abspath(root))  # noqa: PTH100 - as above
    if below is None:
        below = _below(os.path.realpath(absolute), os.path.realpath(root))
    return Path(below if below is not None else absolute).as_posix()


def _below(path: str, folder: str) -> str | None:
    if path == folder:
        return "."
    prefix = folder if folder.endswith(os.sep) else folder + os.sep
    return path[len(prefix) :] if path.startswith(prefix) else None


def read(source: Source, stdin: Callable[[], bytes] | None) -> str:
    """The text of a manifest; raises `Unusable` with the diagnostic."""
    return decode(read_bytes(source, stdin), source.shown)


def read_bytes(source: Source, stdin: Callable[[], bytes] | None) -> bytes:
    """What stands in a manifest; raises `Unusable` with the diagnostic."""
    if source.shown == "-":
        data = stdin() if stdin is not None else sys.stdin.buffer.read(MAX_BYTES + 1)
    else:
        try:
            data = _read_file(source)
        except OSError as error:
            raise _unreadable(source.shown, error) from None
    if len(data) > MAX_BYTES:
        summary = f"larger than {MAX_BYTES >> 20} MB"
        raise Unusable("too-large", summary, "Split it: the files of one project are merged.", Place(source.shown))
    return data


def _read_file(source: Source) -> bytes:
    # Without O_NONBLOCK the open of a FIFO would wait for its writer, for ever.
    descriptor = os.open(source.shown, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            detail = "Give a file or a folder; `-` reads the manifest from standard input."
            raise _file_error(source.shown, "not a regular file", detail)
        return file.read(MAX_BYTES + 1)


def decode(data: bytes, file: str) -> str:
    """The text of UTF-8 bytes, with or without a byte order mark; raises `Unusable` with the first wrong place."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unusable("encoding", "the file is UTF-16", "Save it as UTF-8.", Place(file))
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
        raise Unusable("encoding", summary, detail + ".", _place_after(before, file)) from None
    wrong = UNREADABLE.search(text)
    if wrong is None:
        return text
    if wrong[0] == "\x00":
        raise _binary(file)
    summary = f"the character U+{ord(wrong[0]):04X} cannot stand in YAML"
    detail = f'Remove it; if it is meant, write it in double quotes as "\\u{ord(wrong[0]):04x}".'
    raise Unusable("encoding", summary, detail, _place_after(text[: wrong.start()], file))


def _place_after(text: str, file: str) -> Place:
    lines = re.split(r"\r\n|\r|\n", text)
    return Place(file, len(lines), len(lines[-1]) + 1, len(lines), len(lines[-1]) + 2)


def _binary(file: str) -> Unusable:
    return Unusable("encoding", "this is not a text file", "A manifest is YAML text in UTF-8.", Place(file))


def _file_error(shown: str, summary: str, detail: str) -> Unusable:
    return Unusable("file", summary, detail, Place(shown))


def _unreadable(path: str, error: Exception) -> Unusable:
    shown = shown_path(path) if "\x00" not in path else "(path)"
    if isinstance(error, FileNotFoundError):
        detail = "Name a manifest, a folder of manifests, or `-` for standard input."
        return _file_error(shown, "no such file or folder", detail)
    reason = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    return _file_error(shown, f"cannot be read: {reason}", "")
