"""Reads the items to share as a payload reads them: files of a glob with their sizes, or the lines of a list."""

from __future__ import annotations

import glob
import math
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.manifest.expansion.list_files import MAX_LIST, NOTE, is_comment
from skaha_apply.manifest.source.folders import TooLargeError, read_at_most
from skaha_apply.model.counts import counted
from skaha_apply.model.errors import SkahaApplyError, UsageError
from skaha_apply.model.shares import ItemList, LoadKind, LoadUnit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from skaha_apply.workflow.setup.settings import Settings

_COUNTED = "--load count counts items"
_COLUMN = "each line must have an item, then blanks or a tab, then a number of at least 0"


def from_paths(patterns: Sequence[str], load: LoadKind | None = None) -> ItemList:
    """The files that match patterns and paths, each once, sorted by name. The size of a folder includes its content.

    Raises:
        UsageError: `load` is a column, which only a list has; or the only path is a folder.
        SkahaApplyError: a pattern matches nothing, or a size cannot be read.
    """
    if load is LoadKind.COLUMN:
        raise UsageError("--load column requires a list", hint="give the list with --list FILE")
    if len(patterns) == 1 and Path(patterns[0]).is_dir():
        inside = os.path.join(patterns[0], "*")  # noqa: PTH118 - the pattern is text
        raise UsageError(f"{patterns[0]} is one folder", hint=f"to split the files in it, write {inside!r}")
    items = tuple(sorted({path for pattern in patterns for path in _matches(pattern)}))
    where = f" of {patterns[0]}" if len(patterns) == 1 else ""
    listed = _by_count(items, f"{counted(len(items), 'file')}{where}", "sorted by name")
    return listed if load is LoadKind.COUNT else _weighed(listed, map(_size, items), LoadUnit.BYTES)


def from_list(name: str, raw: bytes, load: LoadKind | None = None) -> ItemList:
    """The lines of a list, as `skaha_apply.distributed` reads them, without blank lines and comments.

    Without `load`, the load of an item is its size if all items are files here, else 1.

    Raises:
        SkahaApplyError: the list is not text or has no lines, a line has no number (`load` is a column), or a size
            cannot be read.
    """
    lines = tuple(_numbered(name, raw))
    numbered = tuple((number, line) for number, line in lines if not is_comment(line))
    if not numbered:
        raise SkahaApplyError(f"the list {_called(name)} has no lines", hint="write one item on each line")
    items = tuple(line for _, line in numbered)
    source = f"{counted(len(items), 'item')} of {_called(name)}"
    listed = _by_count(items, source, "in the order of the list", tuple(_remarks(items, len(lines) - len(items))))
    if load is LoadKind.COLUMN:
        named, weights = zip(*(_column(name, *pair) for pair in numbered), strict=True)
        return _weighed(replace(listed, items=named), weights, LoadUnit.WEIGHT)
    if load is LoadKind.SIZE:
        return _weighed(listed, map(_size, items), LoadUnit.BYTES)
    return listed if load is LoadKind.COUNT else _weighed_if_files(listed)


def read_list(name: str, stdin: Callable[[int], bytes]) -> bytes:
    """The bytes of a list file; `-` is standard input, which `stdin(most)` reads.

    Raises:
        SkahaApplyError: it cannot be read, or is too large.
    """
    try:
        if name == "-":
            return stdin(MAX_LIST)
        with Path(name).open("rb") as file:
            return read_at_most(file, MAX_LIST)
    except (OSError, ValueError) as error:
        raise SkahaApplyError(f"cannot read the list {name}: {_why(error)}") from error
    except TooLargeError:
        raise SkahaApplyError(
            f"{_called(name)} is larger than {MAX_LIST // 1_000_000} MB",
            hint="--list names a file with one item on each line; split a longer list into several files",
        ) from None


def replicas_of(setting: Settings, session: str, stdin: Callable[[], bytes] | None = None) -> int:
    """The `replicas` of a session in the manifests of a setting, or of each combination of a matrix.

    Raises:
        ManifestError: the manifests have errors.
        UsageError: no session has that name, as written or as filled in; or their numbers differ.
    """
    from skaha_apply.workflow.setup.load import load_projects  # noqa: PLC0415 - most calls read no manifest

    projects, _ = load_projects(setting, stdin)
    name = session.casefold()
    specs = (spec for project in projects for spec in project.sessions)
    found = {spec.replicas for spec in specs if name in {spec.name.casefold(), spec.entry_key}}
    if len(found) == 1:
        return found.pop()
    if found:
        counts = f"from {min(found)} to {max(found)}"
        raise UsageError(f"{session!r} has different numbers of replicas, {counts}", hint="give --replicas N")
    known = list(dict.fromkeys(spec.group or spec.name for project in projects for spec in project.sessions))
    shown = ", ".join(known[:10]) + (", …" if len(known) > 10 else "")  # noqa: PLR2004 - what fits on a line
    raise UsageError(f"there is no session {session!r} in these manifests", hint=f"there are: {shown}")


def _matches(pattern: str) -> list[str]:
    # A name with brackets that the shell has found is meant as it stands.
    if os.path.lexists(pattern):
        return [pattern]
    try:
        found = glob.glob(os.path.expanduser(pattern), recursive=True)  # noqa: PTH111, PTH207 - names as a shell has them
    except ValueError as error:
        raise SkahaApplyError(f"cannot search for {pattern!r}: {error}") from error
    if not found:
        raise SkahaApplyError(
            f"nothing matches {pattern!r}",
            hint=f"paths are taken from {Path.cwd()}; to split a list of other items, give --list FILE",
        )
    return found


def _size(item: str) -> int:
    try:
        return _bytes_of(item)
    except (OSError, ValueError) as error:
        raise SkahaApplyError(f"cannot read the size of {item}: {_why(error)}", hint=_COUNTED) from error


def _bytes_of(path: str) -> int:
    found = os.stat(path)  # noqa: PTH116 - a million of them
    if not stat.S_ISDIR(found.st_mode):
        return found.st_size
    with os.scandir(path) as entries:
        # Links in a folder lead to what others own, or round in a circle.
        return sum(_bytes_of(entry.path) for entry in entries if not entry.is_symlink())


def _weighed_if_files(listed: ItemList) -> ItemList:
    sizes = []
    for item in listed.items:
        try:
            sizes.append(_bytes_of(item))
        except (OSError, ValueError):
            why = f"load is counted in items, because {item!r} is not a file here"
            way = "--load column takes a number at the end of each line"
            return replace(listed, notes=(*listed.notes, f"{why}; {way}")) if sizes else listed
    return _weighed(listed, sizes, LoadUnit.BYTES)


def _numbered(name: str, raw: bytes) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers. `skaha_apply.distributed chunk LIST` has the same lines."""
    if b"\0" in raw:
        raise SkahaApplyError(
            f"the list {_called(name)} is not a text: it has NUL bytes",
            hint="a list is UTF-8, with one item a line",
        )
    # Not splitlines, which also splits at characters that names may hold; and names may be any bytes.
    for number, line in enumerate(raw.decode("utf-8-sig", "surrogateescape").split("\n"), 1):
        item = line.rstrip("\r")
        if item.strip():
            yield number, item


def _remarks(items: tuple[str, ...], comments: int) -> Iterator[str]:
    if comments:
        what = (
            "1 line begins with # and is not an item"
            if comments == 1
            else f"{comments} lines begin with # and are not items"
        )
        yield f"{what}, as for `skaha_apply.distributed chunk LIST`; a script that reads the list must skip it too"
    noted = next((item for item in items if NOTE.search(item)), None)
    if noted is not None:
        yield f"{noted!r} has a # in it, which begins no comment: put a comment on a line of its own"


def _column(name: str, number: int, line: str) -> tuple[str, float]:
    item, _, text = line.rstrip().replace("\t", " ").rpartition(" ")
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not item.strip() or not 0 <= weight < math.inf:
        raise SkahaApplyError(f"{_called(name)}:{number}: no load at the end of {line!r}", hint=_COLUMN)
    return item.rstrip(), weight


def _by_count(items: tuple[str, ...], source: str, order: str, notes: tuple[str, ...] = ()) -> ItemList:
    return ItemList(items, (1,) * len(items), LoadUnit.ITEMS, source, order, notes)


def _weighed(listed: ItemList, weights: Iterable[float], unit: LoadUnit) -> ItemList:
    loads = tuple(weights)
    if any(loads):
        return replace(listed, weights=loads, unit=unit)
    what = "all files are empty" if unit is LoadUnit.BYTES else "every load is 0"
    return replace(listed, notes=(*listed.notes, f"{what}: load is counted in items"))


def _called(name: str) -> str:
    return "standard input" if name == "-" else name


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
