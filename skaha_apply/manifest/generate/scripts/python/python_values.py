"""The values of a Python script while it is read: texts and numbers that remember their loop, and files."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.generate.scripts.shell.shell_expansion import derived
from skaha_apply.manifest.generate.scripts.traced_text import MARK, UNKNOWN, is_known, map_parts, mark, marks, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STRIPS = frozenset({"strip", "rstrip", "lstrip"})
PURE = (
    frozenset(
        {"upper", "lower", "title", "replace", "removesuffix", "removeprefix", "zfill", "rjust", "ljust", "capitalize"}
    )
    | STRIPS
)
LONGEST = 1_000_000  # characters of a text that a script makes


class LoopNumber(int):
    """A number that is the value of a loop, or was computed from one."""

    axis: str

    @classmethod
    def of(cls, value: int, axis: str) -> LoopNumber:
        """The number with its axis."""
        made = cls(value)
        made.axis = axis
        return made


@dataclass(frozen=True)
class FileValue:
    """A file that the script opens; `text` is None if it is not there."""

    path: str
    text: str | None


@dataclass(frozen=True)
class PathValue:
    """A `pathlib.Path`."""

    path: str


def text_of(value: Any) -> str:
    """A value as text, with the marks of loops."""
    if isinstance(value, LoopNumber):
        return mark(value.axis, str(int(value)))
    if isinstance(value, PathValue):
        return value.path
    return value if isinstance(value, str) else str(value)


def is_known_value(value: Any) -> bool:
    """Whether all parts of a value are known."""
    if isinstance(value, str):
        return is_known(value)
    if isinstance(value, dict):
        return all(is_known_value(one) for one in value.values())
    return all(map(is_known_value, value)) if isinstance(value, list | tuple) else True


def loop_value(value: Any, axis: str) -> Any:
    """A value as that of a loop."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return LoopNumber.of(int(value), axis)
    if isinstance(value, PathValue):
        return PathValue(mark(axis, value.path))
    return mark(axis, value) if isinstance(value, str) else value


def number_from(step: str, result: Any, *inputs: Any) -> Any:
    """The result of arithmetic, with the axis of the only loop that it comes from."""
    axes = {one.axis for one in inputs if isinstance(one, LoopNumber)}
    plain_number = isinstance(result, int) and not isinstance(result, bool)
    return (
        LoopNumber.of(result, re.sub(r"\s", "_", f"{axes.pop()}~{step}")) if len(axes) == 1 and plain_number else result
    )


def formatted(value: Any, form: str, conversion: int = -1) -> str:
    """A value in an f-string or in `format`."""
    if not is_known_value(value):
        return UNKNOWN
    if not form and conversion in (-1, ord("s")):
        return text_of(value)
    bare = plain(value) if isinstance(value, str) else int(value) if isinstance(value, LoopNumber) else value
    if len(re.sub(r"[^0-9]", "", form)) > 4:  # noqa: PLR2004 - digits of a width
        return UNKNOWN
    try:
        made = repr(bare) if conversion == ord("r") else format(bare, form)
    except (ValueError, TypeError):
        return UNKNOWN
    return derived(f":{form}", made, text_of(value))


def string_method(text: str, name: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """The result of a method of a text; `UNKNOWN` for one that this reader does not know."""
    if name in STRIPS and marks(text) and not is_known(text) and text == MARK.search(text)[0]:  # type: ignore[index]
        return text  # a line of a list that was not found
    if not is_known(text) or not all(map(is_known_value, arguments)):
        return UNKNOWN
    if name == "format":
        return _format(text, arguments, named)
    if name == "join" and arguments and isinstance(arguments[0], list | tuple):
        return text.join(map(text_of, arguments[0]))[:LONGEST]
    bare = [plain(one) if isinstance(one, str) else one for one in arguments]
    wide = name in ("zfill", "rjust", "ljust") and not (bare and isinstance(bare[0], int) and bare[0] < LONGEST)
    return UNKNOWN if wide else _method_result(text, name, bare)


def _method_result(text: str, name: str, bare: Sequence[Any]) -> Any:
    try:
        one_by_one = name in ("upper", "lower") or (name == "replace" and len(bare[0]) == len(bare[1]) == 1)
        if one_by_one:
            step = re.sub(r"\s", "_", f".{name}{bare}")
            return map_parts(text, step, lambda part: str(getattr(part, name)(*bare)))
        if name in PURE:
            return derived(f".{name}{bare}", getattr(plain(text), name)(*bare), text)[:LONGEST]
        if name in ("split", "rsplit", "splitlines", "partition", "rpartition"):
            parts = getattr(plain(text), name)(*bare)
            return [derived(f".{name}{bare}[{index}]", part, text) for index, part in enumerate(parts)]
        if name in ("startswith", "endswith", "isdigit", "find", "count", "isalpha"):
            return getattr(plain(text), name)(*bare)
    except (TypeError, ValueError):
        return UNKNOWN
    return UNKNOWN


def _format(text: str, arguments: Sequence[Any], named: Mapping[str, Any]) -> str:
    place = 0

    def fill(match: re.Match[str]) -> str:
        nonlocal place
        name, form = match[1], match[2] or ""
        if not name:
            name, place = str(place), place + 1
        if name.isdigit():
            return formatted(arguments[int(name)], form) if int(name) < len(arguments) else UNKNOWN
        return formatted(named[name], form) if name in named else UNKNOWN

    return re.sub(r"\{(\w*)(?::([^{}]*))?\}", fill, text)
