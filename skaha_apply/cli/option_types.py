"""The values of options: each function reads the text of an option and reports an error of that option."""

from __future__ import annotations

import math
import re
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import typer

from skaha_apply.model.durations import check_interval, parse_duration
from skaha_apply.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

DURATION = "DURATION"  # 10s, 30m, 12h, 2d
MAX_POLL = 20.0  # seconds between two readings of a live page
MAX_PORT = 65535
_URL_PATH = re.compile(r"(?:/[\w.~!$&'()*+,;=:@%-]+)*/?", re.ASCII)


def duration(text: str) -> float:
    """A duration in seconds; 0 is allowed."""
    try:
        return parse_duration(text.strip(), allow_zero=True)
    except UsageError as error:
        raise typer.BadParameter(error.message) from None


def interval(text: str) -> float:
    """A duration in seconds that is not too short for the time between two passes."""
    try:
        return check_interval(duration(text), text)
    except UsageError as error:
        raise typer.BadParameter(error.message) from None


def poll_interval(text: str) -> float:
    """An interval of at most `MAX_POLL` seconds."""
    found = interval(text)
    if found > MAX_POLL:
        raise typer.BadParameter(f"{text!r} is longer than {MAX_POLL:.0f}s: write 10s, for example")
    return found


def _number(text: str) -> float:
    """The number in a text, `nan` if there is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def hours(text: str) -> float:
    """Core-hours: a number that is not negative and not `nan`."""
    from skaha_apply.planning.options import check_core_hours  # noqa: PLC0415 - imported only if a number is given

    try:
        return check_core_hours(_number(text), text)
    except UsageError as error:
        raise typer.BadParameter(error.message) from None


def share(text: str) -> float:
    """A percentage, `3%`, as a number from 0 to 1."""
    number, percent, rest = text.strip().partition("%")
    try:
        found = float(number) / 100 if percent and not rest else math.nan
    except ValueError:
        found = math.nan
    if not 0 <= found <= 1:
        raise typer.BadParameter(f"{text!r} is not a percentage: write 3%, for example")
    return found


def factor(text: str) -> float:
    """A number by which times are divided."""
    number = _number(text)
    if not (number > 0 and math.isfinite(number)):
        raise typer.BadParameter(f"{text!r} is not a number of more than 0: write 100, for example")
    return number


def mount(text: str) -> tuple[str, str]:
    """`/PATH=DIR`: a folder of the server, and the absolute path of an existing folder of this machine."""
    point, _, given = text.partition("=")
    if not point.startswith("/") or not point.strip("/") or not given:
        raise typer.BadParameter(f"{text!r} does not begin with a path of the server: write /arc=DIR")
    folder = Path(given).expanduser()
    if not folder.is_dir():
        raise typer.BadParameter(f"the folder {given!r} does not exist: create it, or name another")
    return point.rstrip("/"), str(folder.resolve())


def pattern(text: str) -> str:
    """`NAME[/REPLICAS]`, checked."""
    from skaha_apply.planning.selection import matches  # noqa: PLC0415 - imported only if a name is given

    try:
        matches(text, text.partition("/")[0], 1)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if not text.partition("/")[0]:
        raise typer.BadParameter(f"the name is missing in {text!r}: write NAME or NAME/REPLICAS")
    return text


def assignment(text: str) -> str:
    """`NAME=VALUE`, checked. A message never repeats the value, which can be a secret."""
    name, equals, _ = text.partition("=")
    if not equals:
        raise typer.BadParameter("the value is missing: write NAME=VALUE")
    if not name.strip():
        raise typer.BadParameter("the name is missing: write NAME=VALUE")
    return text


def account(text: str) -> str:
    """`TOKEN=NAME`, checked."""
    token, _, name = text.rpartition("=")
    if not token or not name:
        raise typer.BadParameter("the token or the name is missing: write TOKEN=NAME")
    return text


def digest(text: str) -> str:
    """The digest of a plan, as a plan in JSON or a comment has it."""
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", text):
        raise typer.BadParameter(f"{text!r} is not a digest: write sha256: and 64 digits, as `plan -o json` prints it")
    return text


def listen_address(text: str) -> str:
    """HOST:PORT; port 0 stands for a free one."""
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= MAX_PORT):
        raise typer.BadParameter(f"{text!r}: write HOST:PORT, such as 127.0.0.1:9100 (port 0: a free port)")
    return text


def repeated_path(text: str) -> str:
    """The path of manifests that a command reads again and again."""
    if text == "-":
        raise typer.BadParameter("standard input cannot be read again: give the path of a manifest")
    return text


def base_path(text: str) -> str:
    """The path of an address, without the slash at its end."""
    if not text.startswith("/") or not _URL_PATH.fullmatch(text) or {".", ".."} & set(text.split("/")):
        raise typer.BadParameter(f"{text!r} is not a path below a proxy: write /user/NAME/proxy/8000/, for example")
    return text.rstrip("/")


def report_in(formats: type[StrEnum]) -> Callable[[str], str]:
    """A reader of `FORMAT=FILE` that accepts these formats."""

    def report_file(text: str) -> str:
        form, _, file = text.partition("=")
        if not file or form not in set(formats):
            raise typer.BadParameter(f"{text!r}: write FORMAT=FILE, where FORMAT is one of {', '.join(formats)}")
        return text

    return report_file


def read_lightly(parameter: Any) -> Any:
    """The parameter of the parser, whose value is read without pydantic if that is possible.

    typer gives each value to pydantic, an omitted one too, and imports it for that: a quarter of the time of a short
    command. Values that are omitted, texts, parsers, choices and whole numbers need no pydantic, and their errors are
    those of this module. typer reads the others. Older versions of typer have no such method and use no pydantic.
    """
    build = getattr(parameter, "get_runtime_param", None)
    if build is not None and not isinstance(build, _LightReader):
        parameter.get_runtime_param = _LightReader(parameter.type_descriptor, build)
    return parameter


class _LightReader:
    """Takes the place of typer's method that makes the reader of a parameter, and of that reader."""

    def __init__(self, descriptor: Any, build: Callable[[], Any]) -> None:
        self._descriptor = descriptor
        self.build = build

    def __call__(self) -> _LightReader:
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value of an option from its text, from several texts, or from its default."""
        several = param.multiple or param.nargs == -1
        if value is None:
            return () if several else None
        try:
            return [self._read(text) for text in value] if several else self._read(value)
        except LookupError:
            return self.build().coerce(value, param=param, ctx=ctx)

    def _read(self, text: Any) -> Any:
        """The value of one text; raises `BadParameter`, and `LookupError` for a value that typer has to read."""
        described = self._descriptor.parameter_info
        if described.parser is not None:
            return described.parser(text)
        kind = self._descriptor.annotation
        kind = next(iter(get_args(kind)), kind)  # the items of a list
        if isinstance(text, kind):
            return text
        if issubclass(kind, Enum):
            return _choice(kind, text, any_case=not described.case_sensitive)
        if kind is int:
            return _whole_number(text, described.min, described.max)
        raise LookupError(text)


def _choice(kind: type[Enum], text: str, *, any_case: bool) -> Enum:
    """The member with this value; with `any_case` in capitals, too."""
    for one in kind:
        if text == one.value or (any_case and text.casefold() == one.value.casefold()):
            return one
    raise typer.BadParameter(f"{text!r} is not one of {', '.join(one.value for one in kind)}")


def _whole_number(text: str, least: float | None, most: float | None) -> int:
    """A whole number from `least` to `most`; None for no limit."""
    number = int(text) if re.fullmatch(r"[+-]?[0-9](?:_?[0-9]){0,29}", text.strip()) else None
    if number is not None and (least is None or number >= least) and (most is None or number <= most):
        return number
    limits = "" if least is None else f" of {least:,} or more" if most is None else f" from {least:,} to {most:,}"
    raise typer.BadParameter(f"{text!r} is not a whole number{limits}")
