"""The functions of Python and its standard library that scripts use to make lists and names."""

from __future__ import annotations

import csv
from itertools import product
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from skaha_apply.manifest.generate.scripts.python.python_values import (
    FileValue,
    LoopNumber,
    PathValue,
    is_known_value,
    number_from,
    text_of,
)
from skaha_apply.manifest.generate.scripts.shell.shell_expansion import derived
from skaha_apply.manifest.generate.scripts.traced_text import UNKNOWN, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_ITEMS = 100_000


def items_of(value: Any) -> list[Any] | None:
    """The items of something that a loop goes through; None if they are not known."""
    if isinstance(value, FileValue):
        return None if value.text is None else value.text.splitlines(keepends=True)
    if isinstance(value, dict | list | tuple):
        return list(value)
    if isinstance(value, str):
        return None if UNKNOWN in value else list(plain(value))
    return None


def run_function(name: str, arguments: Sequence[Any]) -> Any:
    """The result of a function by its name; `UNKNOWN` for one that is not known, or with arguments that are not."""
    function = FUNCTIONS.get(name)
    if function is None or not all(map(is_known_value, arguments)):
        return UNKNOWN
    try:
        return function(*arguments)
    except (TypeError, ValueError, IndexError, AttributeError, OverflowError, csv.Error):
        return UNKNOWN


def path_attribute(value: PathValue, name: str) -> Any:
    """An attribute of a path."""
    if name not in ("name", "stem", "suffix", "parent"):
        return UNKNOWN
    made = str(getattr(PurePosixPath(plain(value.path)), name))
    text = derived(f".{name}", made, value.path)
    return PathValue(text) if name == "parent" else text


def _range(*bounds: int) -> Any:
    made = range(*map(int, bounds))
    return UNKNOWN if len(made) > MOST_ITEMS else list(made)


def _zip(*lists: Any) -> Any:
    found = [items_of(one) for one in lists]
    return UNKNOWN if None in found else list(zip(*(one or [] for one in found), strict=False))


def _enumerate(values: Any, start: int = 0) -> Any:
    found = items_of(values)
    return UNKNOWN if found is None else [(start + index, one) for index, one in enumerate(found)]


def _listed(values: Any = ()) -> Any:
    found = items_of(values)
    return UNKNOWN if found is None else found


def _sorted(values: Any) -> Any:
    found = items_of(values)
    return UNKNOWN if found is None else sorted(found, key=lambda one: plain(one) if isinstance(one, str) else one)


def _unique(values: Any = ()) -> Any:
    found = items_of(values)
    return UNKNOWN if found is None else sorted(set(map(text_of, found)))


def _product(*lists: Any) -> Any:
    found = [items_of(one) or [] for one in lists]
    size = 1
    for one in found:
        size *= len(one)
    return UNKNOWN if size > MOST_ITEMS else list(product(*found))


def _int(value: Any) -> Any:
    number = int(plain(value) if isinstance(value, str) else value)
    return value if isinstance(value, LoopNumber) else number_from("int", number, value)


def _join(*parts: Any) -> str:
    made = ""
    for part in map(text_of, parts):
        made = part if part.startswith("/") or not made else f"{made.removesuffix('/')}/{part}"
    return made


def _basename(path: Any) -> str:
    return derived("basename", plain(text_of(path)).rpartition("/")[2], text_of(path))


def _splitext(path: Any) -> list[str]:
    text = text_of(path)
    suffix = PurePosixPath(plain(text)).suffix
    return [derived("splitext", plain(text).removesuffix(suffix), text), suffix]


def _csv(value: Any, *_: Any) -> Any:
    found = items_of(value)
    return UNKNOWN if found is None else [list(row) for row in csv.reader(found)]


def _dict_reader(value: Any, *_: Any) -> Any:
    found = items_of(value)
    return UNKNOWN if found is None else [dict(row) for row in csv.DictReader(found)]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "range": _range,
    "zip": _zip,
    "enumerate": _enumerate,
    "list": _listed,
    "tuple": _listed,
    "sorted": _sorted,
    "set": _unique,
    "product": _product,
    "len": lambda value: len(plain(value)) if isinstance(value, str) else len(value),
    "str": text_of,
    "int": _int,
    "dict": lambda value=(): dict(value),
    "join": _join,
    "basename": _basename,
    "splitext": _splitext,
    "reader": _csv,
    "DictReader": _dict_reader,
    "Path": lambda *parts: PathValue(_join(*parts)),
    "tqdm": _listed,
}
