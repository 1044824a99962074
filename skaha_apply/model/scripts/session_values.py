"""The values that a script gives to a session: other spellings are converted, and errors name the field."""

from __future__ import annotations

from difflib import get_close_matches
from enum import Enum
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from skaha_apply.model.durations import parse_duration
from skaha_apply.model.errors import UsageError
from skaha_apply.model.scripts.spec_adapter import checked_spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skaha_apply.model.scripts.spec_adapter import Spec

_INNER = ("group", "values", "file")  # the tool gives them
_LONGEST = 60  # characters of a value that an error shows
_TIMES = ("retry_wait", "timeout", "pending_timeout", "rerun", "renew")
_NUMBERS = ("cores", "ram", "retry_ram")
# What pydantic expects, in words; a limit keeps its words.
_WORDS = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "True or False",
    "bool_parsing": "True or False",
    "tuple_type": "a list",
    "dict_type": "a dict",
}


def check_names(fields: Iterable[str], given: Mapping[str, Any]) -> None:
    """Raise `UsageError` for a name that is not among the fields of a session, and for a field that is missing."""
    known = [name for name in fields if name not in _INNER]
    hint = f"The arguments are {', '.join(known)}."
    for name in given:
        if name not in known and name not in _INNER:
            near = get_close_matches(name[:_LONGEST], known, n=1)
            question = f": did you mean {near[0]}?" if near else ""
            raise UsageError(f"Session has no argument {name!r}{question}", hint=hint)
    missing = [name for name in ("name", "image") if name not in given]
    if missing:
        raise UsageError(f"Session requires {' and '.join(missing)}", hint=hint)


def read_spec(spec_type: type[Spec], given: Mapping[str, Any]) -> Spec:
    """A spec with these values, converted as a manifest converts them.

    Raises:
        UsageError: some values are wrong; its message has a line for each field.
    """
    try:
        return checked_spec(spec_type, _converted(given))
    except ValidationError as error:
        found = {_place(one["loc"]): one for one in reversed(error.errors(include_url=False))}
        name = given.get("name")
        lines = [f"Session {name!r}: {place} {_problem(one)}" for place, one in reversed(found.items())]
        raise UsageError("\n".join(lines)) from None


def _converted(given: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(given)
    if isinstance(values["cmd"], list | tuple) and values["cmd"]:
        first, *others = values["cmd"]
        args = values["args"]
        values["cmd"] = _text(first)
        values["args"] = [*others, *((args,) if isinstance(args, str) else args)]
    for name in ("args", "needs"):
        if isinstance(values[name], str):
            values[name] = (values[name],)
    if isinstance(values["args"], list | tuple):
        values["args"] = tuple(map(_text, values["args"]))
    if isinstance(values["env"], dict):
        values["env"] = {name: _text(value) for name, value in values["env"].items()}
    for name in _TIMES:
        if isinstance(values[name], str) and values[name][:1].isdigit():
            try:
                values[name] = parse_duration(values[name])
            except UsageError as error:
                raise UsageError(f"Session {values['name']!r}: {name}: {error.message}") from None
    return values


def _text(value: Any) -> Any:
    """A number as its text."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _place(loc: tuple[int | str, ...]) -> str:
    """The field, and the item in it; the branches of a union have no place of their own."""
    first = str(loc[0])
    if first in ("env", "require", "values"):
        return ".".join(map(str, loc[:2]))
    return first + "".join(f"[{one}]" for one in loc[1:2] if isinstance(one, int))


def _problem(error: Any) -> str:
    value = error["input"]
    text = repr(value.value if isinstance(value, Enum) else value)
    shown = text if len(text) <= _LONGEST else f"of type {type(value).__name__}"
    if error["type"] in ("enum", "literal_error"):
        words = error["ctx"]["expected"]
        known = [one.strip("' ") for one in words.replace(" or ", ",").split(",")]
        near = get_close_matches(str(value)[:_LONGEST], known, n=1)
        return f"must be {words}, and is {shown}" + (f": did you mean {near[0]!r}?" if near else "")
    expected = _WORDS.get(error["type"], error["msg"].removeprefix("Input should be "))
    if error["loc"][0] in _NUMBERS and expected == "a whole number":
        expected = "a number"
    return f"must be {expected}, and is {shown}"
