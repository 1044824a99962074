"""How a state writes values that JSON has no type for: times, and words that a later version may add to."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from skaha_apply.model.reasons import DeleteReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FIRST, _LAST = -62_135_596_800.0, 253_402_300_799.0  # the years 1 to 9999, which RFC 3339 can write


class WrittenForm:
    """How a field is written that JSON has no type for, as a part of its annotation.

    `read` returns the value of a JSON value, and raises `ValueError` for a wrong one. `write` returns the text of a
    value; None if it is written as its type is. `schema` describes the text. pydantic calls the methods when it builds
    a validator, so that this module does not import pydantic.
    """

    def __init__(
        self, read: Callable[[Any], Any], write: Callable[[Any], str] | None, schema: Mapping[str, str]
    ) -> None:
        self.read, self.write, self._schema = read, write, schema

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """The schema of the type, after `read` and before `write`."""
        schema = {
            "type": "function-before",
            "function": {"type": "no-info", "function": self.read},
            "schema": handler(source),
        }
        if self.write is None:
            return schema
        written = {"type": "function-plain", "function": self.write, "return_schema": {"type": "str"}}
        return {**schema, "serialization": written}

    def __get_pydantic_json_schema__(self, _: Any, __: Any) -> dict[str, Any]:
        """The JSON schema of what is written."""
        return dict(self._schema)


def _read_time(value: Any) -> Any:
    """A time as Unix seconds; raises `ValueError` for one that cannot be written."""
    if isinstance(value, str):
        return _parse_time(value)
    return _check_time(value) if isinstance(value, int | float) else value


@lru_cache(maxsize=1_000)
def _parse_time(text: str) -> float:
    """The records of one listing have the same time, so it is read once."""
    return _check_time(datetime.fromisoformat(text).timestamp())


def _check_time(value: float) -> float:
    if not _FIRST <= value <= _LAST:
        raise ValueError("the time is not in the years 1 to 9999")
    return value


@lru_cache(maxsize=1_000)
def _write_time(value: float) -> str:
    return datetime.fromtimestamp(value, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Time = Annotated[
    float,
    WrittenForm(
        _read_time,
        _write_time,
        {"type": "string", "format": "date-time", "description": "server time, RFC 3339 in UTC"},
    ),
]


def _read_why(value: Any) -> Any:
    """A reason that a newer minor version may have added counts as `delete`."""
    if not isinstance(value, str):
        return value
    return DeleteReason(value) if value in list(DeleteReason) else DeleteReason.DELETE


Why = Annotated[DeleteReason, WrittenForm(_read_why, None, {"type": "string"})]
