"""The decorator of `dataclasses`, except that it makes each method of a class when the method is first called.

The standard decorator compiles up to ten methods of a class while a module is imported, which takes 0.7 ms. A command
imports more than a hundred such classes and calls few of their methods. The methods themselves are the standard ones,
except for the constructor of a frozen class with slots, which takes a third of the time of the standard one, and for
`replace`, which takes a tenth.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from dataclasses import dataclass, replace

__all__ = ["dataclass", "open_class", "replace"]

_DEFAULTS = {"init": True, "eq": True, "order": False, "frozen": False, "slots": False, "kw_only": False}
_ORDER = ("__lt__", "__le__", "__gt__", "__ge__")


def _lazy_dataclass(cls: type[Any] | None = None, /, **flags: bool) -> Any:
    """Decorate a class as `dataclasses.dataclass` does, with the flags of `_DEFAULTS`; others raise `TypeError`."""
    if unknown := flags.keys() - _DEFAULTS.keys():
        raise TypeError(f"unknown flags: {', '.join(sorted(unknown))}")

    def decorate(decorated: type[Any]) -> type[Any]:
        return _decorated(decorated, {**_DEFAULTS, **flags})

    return decorate if cls is None else decorate(cls)


def _lazy_replace(value: Any, /, **changes: Any) -> Any:
    """As `dataclasses.replace`; it takes a tenth of the time for a frozen class with slots of this decorator."""
    return getattr(type(value), "__replace__", dataclasses.replace)(value, **changes)


if not TYPE_CHECKING:
    dataclass = _lazy_dataclass
    replace = _lazy_replace


@cache
def open_class(cls: Any) -> Any:
    """A class whose objects have the fields of a frozen class with slots, and can be changed.

    To set the `__class__` of such an object to the frozen class ends that.
    """
    # Both methods, because a class that inherits one of them from a frozen class assigns several times as slowly.
    methods = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return type(cls.__name__, cls.__bases__, {"__slots__": vars(cls)["__slots__"], **methods})


def _decorated(cls: type[Any], flags: Mapping[str, bool]) -> type[Any]:
    eq, frozen, slots = flags["eq"], flags["frozen"], flags["slots"]
    own = vars(cls)
    has_hash = own.get("__hash__") is not None or ("__hash__" in own and "__eq__" not in own)
    names = [*["__init__"] * flags["init"], "__repr__", *["__eq__"] * eq, *_ORDER * flags["order"]]
    names += ["__hash__"] * (eq and not has_hash) + ["__replace__"]
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
        make = _MAKERS.get(name)
        made = _standard_method(cls, name, frozen=frozen) if make is None else make(cls, frozen=frozen)
        setattr(cls, name, made)
        return made(self, *arguments, **named)

    return method


def _constructor(cls: Any, *, frozen: bool) -> Callable[..., None]:
    """The constructor of a class, with the parameters of the standard one.

    The standard constructor of a frozen class calls `object.__setattr__` for each field. This one assigns to the fields
    while the object belongs to a class with the same slots that is not frozen.
    """
    opens = frozen and "__slots__" in vars(cls)
    names: dict[str, Any] = {"_set": object.__setattr__, "_missing": dataclasses.MISSING, "_frozen": cls}
    lines: list[str] = []
    if opens:
        names["_open"] = open_class(cls)
        lines = ["_set(self, '__class__', _open)"]
    given: dict[bool, list[str]] = {False: [], True: []}  # the parameters, by `kw_only`
    for one in dataclasses.fields(cls):
        default = f"_default_{one.name}"
        parameter, value = _parameter(one, default)
        names[default] = one.default if one.default_factory is dataclasses.MISSING else one.default_factory
        given[bool(one.kw_only)] += [parameter] * one.init
        if value:
            lines.append(f"_set(self, {one.name!r}, {value})" if frozen and not opens else f"self.{one.name} = {value}")
    lines += ["self.__class__ = _frozen"] * opens + ["self.__post_init__()"] * hasattr(cls, "__post_init__")
    parameters = ", ".join(["self", *given[False], *["*"] * bool(given[True]), *given[True]])
    exec("\n ".join([f"def __init__({parameters}):", *lines, "return"]), names)  # noqa: S102 - as the standard decorator does
    constructor: Callable[..., None] = names["__init__"]
    constructor.__qualname__ = f"{cls.__qualname__}.__init__"
    return constructor


def _replacement(cls: Any, *, frozen: bool) -> Callable[..., Any]:
    """The method `__replace__` of a class. That of a frozen class with slots copies the slots, and calls nothing."""
    fields = dataclasses.fields(cls)
    is_plain = all(one.init for one in fields) and not hasattr(cls, "__post_init__")
    if not (is_plain and frozen and "__slots__" in vars(cls)):
        return dataclasses.replace
    lines = [
        "def __replace__(self, /, **changes):",
        "made = _new(_open)",
        *(f"made.{one.name} = self.{one.name}" for one in fields),
        "for name in changes: _change(made, name, changes[name])",
        "made.__class__ = _frozen",
        "return made",
    ]
    names: dict[str, Any] = {"_new": object.__new__, "_open": open_class(cls), "_frozen": cls, "_change": _change}
    exec("\n ".join(lines), names)  # noqa: S102 - as the standard decorator does
    method: Callable[..., Any] = names["__replace__"]
    method.__qualname__ = f"{cls.__qualname__}.__replace__"
    return method


def _change(made: Any, name: str, value: Any) -> None:
    try:
        setattr(made, name, value)
    except AttributeError:
        raise TypeError(f"{type(made).__name__}.__init__() got an unexpected keyword argument {name!r}") from None


_MAKERS: dict[str, Callable[..., Callable[..., Any]]] = {"__init__": _constructor, "__replace__": _replacement}


def _parameter(one: dataclasses.Field[Any], default: str) -> tuple[str, str]:
    """The parameter of a field, and the value that it gets; "" for a field without one. `default` is a name."""
    if one.default_factory is not dataclasses.MISSING:
        value = f"{default}() if {one.name} is _missing else {one.name}" if one.init else f"{default}()"
        return f"{one.name}=_missing", value
    has_default = one.default is not dataclasses.MISSING
    if not one.init:
        return "", default if has_default else ""
    return f"{one.name}={default}" if has_default else one.name, one.name


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
