"""The decorator of `dataclasses`, except that it makes each method of a class when the method is first called.

The standard decorator compiles up to ten methods of a class while a module is imported, which takes 0.7 ms. A command
imports more than a hundred such classes and calls few of their methods. The methods themselves are the standard ones.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from dataclasses import dataclass

__all__ = ["dataclass"]

_DEFAULTS = {"init": True, "eq": True, "order": False, "frozen": False, "slots": False, "kw_only": False}
_ORDER = ("__lt__", "__le__", "__gt__", "__ge__")


def _lazy_dataclass(cls: type[Any] | None = None, /, **flags: bool) -> Any:
    """Decorate a class as `dataclasses.dataclass` does, with the flags of `_DEFAULTS`; others raise `TypeError`."""
    if unknown := flags.keys() - _DEFAULTS.keys():
        raise TypeError(f"unknown flags: {', '.join(sorted(unknown))}")

    def decorate(decorated: type[Any]) -> type[Any]:
        return _decorated(decorated, {**_DEFAULTS, **flags})

    return decorate if cls is None else decorate(cls)


if not TYPE_CHECKING:
    dataclass = _lazy_dataclass


def _decorated(cls: type[Any], flags: Mapping[str, bool]) -> type[Any]:
    eq, frozen, slots = flags["eq"], flags["frozen"], flags["slots"]
    own = vars(cls)
    has_hash = own.get("__hash__") is not None or ("__hash__" in own and "__eq__" not in own)
    names = [*["__init__"] * flags["init"], "__repr__", *["__eq__"] * eq, *_ORDER * flags["order"]]
    names += ["__hash__"] * (eq and not has_hash)
    own_names = {name for name in own if name != "__hash__"}
    decorate = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots, kw_only=flags["kw_only"])
    made: type[Any] = decorate(cls)
    for name in names:
        if name == "__hash__" and not frozen:
            made.__hash__ = None  # type: ignore[assignment]  # as the standard decorator does
        elif name not in own_names:
            setattr(made, name, _made_at_first_call(made, name, frozen=frozen))
    if frozen:
        made.__setattr__ = _refuse_change
        made.__delattr__ = _refuse_change  # type: ignore[assignment]
    if frozen and slots:
        made.__getstate__ = _values  # type: ignore[assignment]
        made.__setstate__ = _set_values
    return made


def _made_at_first_call(cls: type[Any], name: str, *, frozen: bool) -> Callable[..., Any]:
    def method(self: Any, *arguments: Any, **named: Any) -> Any:
        standard = _standard_method(cls, name, frozen=frozen)
        setattr(cls, name, standard)
        return standard(self, *arguments, **named)

    return method


def _standard_method(cls: type[Any], name: str, *, frozen: bool) -> Callable[..., Any]:
    """The method that the standard decorator makes for a class with the same fields."""
    fields = cls.__dataclass_fields__
    content = {
        "__module__": cls.__module__,
        "__qualname__": cls.__qualname__,
        "__doc__": cls.__doc__ or cls.__name__,
        "__annotations__": {field.name: field.type for field in fields.values()},
        **fields,
    }
    if hasattr(cls, "__post_init__"):
        content["__post_init__"] = cls.__post_init__
    flags = {"init": name == "__init__", "repr": name == "__repr__", "eq": name in ("__eq__", "__hash__", *_ORDER)}
    slots = "__slots__" in vars(cls)  # its constructor sets the defaults, which are not in the class
    decorate = dataclasses.dataclass(**flags, order=name in _ORDER, frozen=frozen, slots=slots)
    method: Callable[..., Any] = vars(decorate(type(cls.__name__, (), content)))[name]
    return method


def _refuse_change(_: Any, name: str, *values: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot {'assign to' if values else 'delete'} field {name!r}")


def _values(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_values(self: Any, values: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), values, strict=True):
        object.__setattr__(self, field.name, value)
