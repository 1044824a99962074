"""Reads values of a state that this tool wrote, without a check of their types: the digest of the text proves them.

A function is made for each class from its declared fields. It reads a record in a third of the time of a validator of
pydantic, and a process that reads only such texts does not import pydantic.
"""

from __future__ import annotations

from dataclasses import MISSING
from functools import cache
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import open_class
from skaha_apply.state.values.declared_types import DeclaredType, declared_fields, declared_type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skaha_apply.state.values.declared_types import DeclaredField

WRONG = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)  # what a reader raises for a wrong value


@cache
def reader(kind: Any) -> Callable[[Mapping[str, Any]], Any]:
    """The function that returns an object of a dataclass from its JSON value; it ignores unknown keys.

    It raises one of `WRONG` for a field that is missing, and for some values that are not of the declared type.
    """
    slots = "__slots__" in vars(kind)
    names: dict[str, Any] = {"_new": object.__new__, "_set": object.__setattr__, "_kind": kind}
    names["_open"] = open_class(kind) if slots else kind
    values = {one.name: _expression(one, names) for one in declared_fields(kind)}
    if slots:
        lines = [*(f"made.{name} = {value}" for name, value in values.items()), "made.__class__ = _kind"]
    else:
        content = ", ".join(f"{name!r}: {value}" for name, value in values.items())
        lines = [f"_set(made, '__dict__', {{{content}}})"]
    head = ["def read(raw):", "get = raw.get", "made = _new(_open)"]
    exec("\n ".join([*head, *lines, "return made"]), names)  # noqa: S102 - made from declared names alone
    made: Callable[[Mapping[str, Any]], Any] = names["read"]
    return made


def _expression(one: DeclaredField, names: dict[str, Any]) -> str:
    """The expression of the value of a field; `names` gets what it refers to."""
    convert, default = _conversion(one.type), f"_default_{one.name}"
    names[f"_read_{one.name}"], names[default] = convert, one.default
    if one.make_default is not MISSING:
        names[default], default = one.make_default, f"{default}()"
    elif one.default is None:
        default = "None"
    key = repr(one.name)
    if one.default is one.make_default is MISSING:
        return f"raw[{key}]" if convert is None else f"_read_{one.name}(raw[{key}])"
    if convert is None:
        return f"get({key}, {default})" if one.make_default is MISSING else f"raw[{key}] if {key} in raw else {default}"
    return f"{default} if (value := get({key})) is None else _read_{one.name}(value)"


def _conversion(declared: DeclaredType) -> Callable[[Any], Any] | None:
    """The function that returns the value of a JSON value; None if both are the same."""
    if declared.form is not None:
        return declared.form.read
    if declared.enumeration is not None:
        return {one.value: one for one in declared.enumeration}.__getitem__
    if declared.record is not None:
        return reader(declared.record)
    if declared.container is not None:
        return _items(declared.container, declared_type(declared.item))
    return _as_float if float in declared.plain and int not in declared.plain else None


def _items(container: type[Any], item: DeclaredType) -> Callable[[Any], Any] | None:
    convert = _conversion(item)
    if container is tuple:
        return tuple if convert is None else lambda values: tuple([convert(one) for one in values])
    return None if convert is None else lambda values: {name: convert(one) for name, one in values.items()}


def _as_float(value: Any) -> Any:
    """An earlier version could write a whole number of seconds; a text stays."""
    return float(value) if isinstance(value, int) else value
