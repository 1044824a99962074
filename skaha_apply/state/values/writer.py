"""Writes values of a state as JSON. The text is byte for byte that of pydantic, which wrote the first states.

A digest of the text shows whether a state was changed, so the same values must always give the same text.
"""

from __future__ import annotations

from dataclasses import MISSING
from functools import cache
from json.encoder import encode_basestring
from math import isfinite
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from skaha_apply.state.values.declared_types import DeclaredType, declared_fields, declared_type

if TYPE_CHECKING:
    from collections.abc import Callable

_LEAST = 1e-4  # smaller numbers are written in another way by Python


def line(item: Any) -> str:
    """An object of a dataclass as one line of JSON, without the fields that have their default value."""
    return _line_writer(item.__class__)(item)


def json_values(item: Any) -> dict[str, Any]:
    """An object of a dataclass in the types of JSON, with all its fields."""
    return {name: json_field(item, name) for name in _field_writers(item.__class__)}


def json_field(item: Any, name: str) -> Any:
    """The value of one field in the types of JSON."""
    value = getattr(item, name)
    return None if value is None else _field_writers(item.__class__)[name](value)


@cache
def _line_writer(kind: Any) -> Callable[[Any], str]:
    declared = declared_fields(kind)
    values = attrgetter(*(one.name for one in declared))
    parts = [
        (one.default if one.make_default is MISSING else one.make_default(), f'"{one.name}":', _text_writer(one.type))
        for one in declared
    ]

    def write(item: Any) -> str:
        texts = [
            head + write_value(value)
            for value, (default, head, write_value) in zip(values(item), parts, strict=True)
            if value is not default and value != default
        ]
        return "{" + ",".join(texts) + "}"

    return write


def _text_writer(declared: DeclaredType) -> Callable[[Any], str]:
    """The function that returns the JSON of a value without spaces."""
    if declared.form is not None and (write := declared.form.write) is not None:
        return lambda value: f'"{write(value)}"'
    if declared.record is not None:
        return line
    if declared.container is not None:
        return _items_writer(declared.container, _text_writer(declared_type(declared.item)))
    if float in declared.plain and int not in declared.plain:
        return lambda value: _scalar(value if isinstance(value, str) else float(value))
    return encode_basestring if declared.plain == {str} else _scalar


def _items_writer(container: type[Any], write_item: Callable[[Any], str]) -> Callable[[Any], str]:
    if container is tuple:
        return lambda value: "[" + ",".join(map(write_item, value)) + "]"
    return lambda value: (
        "{" + ",".join([f"{encode_basestring(name)}:{write_item(one)}" for name, one in value.items()]) + "}"
    )


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return encode_basestring(value)
    return _number(value) if isinstance(value, float) else int.__repr__(value)


def _number(value: float) -> str:
    """A number as the shortest text that gives it again. Python writes 0.00001 as 1e-05, and 1e-6 as 1e-06."""
    text = repr(value)
    if abs(value) >= _LEAST or value == 0.0:
        return text if isfinite(value) else "null"
    digits, _, exponent = text.partition("e-")
    if not exponent:
        return "null"  # not a number
    if int(exponent) == 5:  # noqa: PLR2004 - the last exponent that is written in full
        sign, digits = ("-", digits[1:]) if value < 0 else ("", digits)
        return f"{sign}0.0000{digits.replace('.', '')}"
    return f"{digits}e-{int(exponent)}"


@cache
def _field_writers(kind: Any) -> dict[str, Callable[[Any], Any]]:
    return {one.name: _json_writer(one.type) for one in declared_fields(kind)}


def _json_writer(declared: DeclaredType) -> Callable[[Any], Any]:
    """The function that returns a value in the types of JSON."""
    if declared.form is not None and declared.form.write is not None:
        return declared.form.write
    if declared.enumeration is not None:
        return str
    if declared.record is not None:
        return json_values
    if declared.container is not None:
        convert = _json_writer(declared_type(declared.item))
        if declared.container is tuple:
            return lambda value: [convert(one) for one in value]
        return lambda value: {name: convert(one) for name, one in value.items()}
    return _same


def _same(value: Any) -> Any:
    return value
