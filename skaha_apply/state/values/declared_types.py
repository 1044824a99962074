"""The declared type of a field in parts, from which the reader and the writer of a state are made."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from skaha_apply.model.fields.written_form import WrittenForm


class DeclaredType(NamedTuple):
    """A type: the types of a union without None, its origin, and the form in which it is written, if it declares one.

    `plain` are types of JSON. `item` is the type of the items of a tuple, and of the values of a dict.
    """

    form: WrittenForm | None = None
    plain: frozenset[type[Any]] = frozenset()
    enumeration: type[Enum] | None = None
    record: Any = None
    container: type[Any] | None = None
    item: Any = None


class DeclaredField(NamedTuple):
    """A field: its name, its type, its default, and the function that makes the default; `MISSING` for neither."""

    name: str
    type: DeclaredType
    default: Any
    make_default: Any


@cache
def declared_fields(kind: Any) -> tuple[DeclaredField, ...]:
    """The fields of a dataclass, in the order of the declaration; raises `TypeError` for a type without a JSON form."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(
        DeclaredField(one.name, declared_type(hints[one.name]), one.default, one.default_factory)
        for one in fields(kind)
    )


def classes(kind: Any) -> set[Any]:
    """A dataclass, and the classes of its fields, of their fields, and so on."""
    found: set[Any] = set()
    waiting = [kind]
    while waiting:
        found.add(waiting[-1])
        types = [one.type for one in declared_fields(waiting.pop())]
        inner = [declared_type(one.item) if one.container else one for one in types]
        waiting += [one.record for one in inner if one.record is not None and one.record not in found]
    return found


def declared_type(hint: Any) -> DeclaredType:
    """The parts of a type; raises `TypeError` for one that a state cannot contain."""
    match get_origin(hint), get_args(hint):
        case (None, _):
            found = _simple(hint)
        case (origin, (inner, *metadata)) if origin is Annotated:
            form = next((one for one in metadata if isinstance(one, WrittenForm)), None)
            found = declared_type(inner)._replace(form=form) if form else declared_type(inner)
        case (origin, arguments) if origin in (Union, UnionType):
            found = _union([declared_type(one) for one in arguments if one is not type(None)])
        case (origin, values) if origin is Literal:
            found = DeclaredType(plain=frozenset(map(type, values)))
        case (container, (item, other)) if (container, other) == (tuple, ...) or (container, item) == (dict, str):
            found = DeclaredType(container=container, item=item if container is tuple else other)
        case _:
            raise _refusal(hint)
    return found


def _simple(hint: Any) -> DeclaredType:
    if hint in (str, int, float, bool):
        return DeclaredType(plain=frozenset({hint}))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return DeclaredType(enumeration=hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return DeclaredType(record=hint)
    raise _refusal(hint)


def _refusal(hint: Any) -> TypeError:
    return TypeError(f"a state cannot contain a value of type {hint}")


def _union(parts: list[DeclaredType]) -> DeclaredType:
    if len(parts) == 1:
        return parts[0]
    if all(part.plain for part in parts):
        return DeclaredType(plain=frozenset().union(*(part.plain for part in parts)))
    raise TypeError("a state cannot contain a value of one of several types that JSON does not have")
