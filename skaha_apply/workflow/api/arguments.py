"""The arguments of the Python API: their names and types are checked before a function is at work."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Integral, Real
from typing import TYPE_CHECKING

from skaha_apply.model.durations import check_duration, check_interval, parse_duration
from skaha_apply.model.errors import UsageError
from skaha_apply.model.project import Project
from skaha_apply.model.spec import SessionSpec
from skaha_apply.planning.options import check_core_hours
from skaha_apply.workflow.api.choices import PlanChoices
from skaha_apply.workflow.setup.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_LONGEST = 100  # characters of a name that is compared, and of a value that is shown


@dataclass(frozen=True)
class Form:
    """What an argument must be, in words, and the function that reads it: it raises `TypeError` for another value."""

    words: str
    read: Callable[[Any], Any]


def _one_of(*types: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise TypeError
        return value

    return read


def _function(value: Any) -> Any:
    if not callable(value):
        raise TypeError
    return value


def _texts(value: Any) -> Any:
    several = (value,) if isinstance(value, str) else tuple(value)
    return tuple(map(_one_of(str), several))


def _seconds(value: Any) -> Any:
    if isinstance(value, str):
        return parse_duration(value, allow_zero=True)
    seconds = float(_one_of(Real)(value))
    if not seconds >= 0:
        raise TypeError
    return check_duration(seconds, str(value), allow_zero=True)


def _interval(value: Any) -> float:
    return check_interval(_seconds(value), value)


def _core_hours(value: Any) -> float:
    return check_core_hours(float(_one_of(Real)(value)), value)


def _count(value: Any) -> int:
    number = int(_one_of(Integral)(value))
    if number < 1:
        raise ValueError
    return number


def _path(value: Any) -> str:
    return str(_one_of(str, os.PathLike)(value))


def _plan(value: Any) -> Any:
    from skaha_apply.model.plan import Plan  # noqa: PLC0415 - for those who pass one

    return _one_of(Plan)(value)


def _table(value: Any) -> Any:
    return dict(zip(map(_one_of(str), _one_of(Mapping)(value)), value.values(), strict=True))


def _secrets(value: Any) -> Any:
    return dict(zip(_table(value), map(_one_of(str), value.values()), strict=True))


def _sessions(value: Any) -> Any:
    return value if isinstance(value, SessionSpec) else tuple(map(_one_of(SessionSpec), value))


_TEXT = Form("a text", _one_of(str))
_TEXTS = Form("a text or a list of texts", _texts)
_SWITCH = Form("True or False", _one_of(bool))
_IN_SECONDS = "a duration: a number of seconds, or a text such as '30m' or '6h'"
_FUNCTION = Form("a function", _function)
# The form of each argument. The same name has the same form in all functions.
FORMS = {
    **dict.fromkeys(("name", "names", "verb", "axis", "server", "credential_command", "wait", "adopt"), _TEXT),
    **dict.fromkeys(("target", "exclude", "phase"), _TEXTS),
    **dict.fromkeys(("take_over", "force", "sandbox", "display"), _SWITCH),
    **dict.fromkeys(("approve", "observe"), _FUNCTION),
    **dict.fromkeys(("paths", "state"), Form("a path", _path)),
    "project": Form("a project", _one_of(Project)),
    "plan": Form("a plan", _plan),
    "setting": Form("a skaha_apply.Settings value", _one_of(Settings)),
    "sessions": Form("a skaha_apply.Session value, or a list of them", _sessions),
    "timeout": Form(_IN_SECONDS, _seconds),
    "poll": Form(_IN_SECONDS, _interval),
    "limit": Form("a whole number of at least 1", _count),
    "attempt": Form("a number from 1, or 'all'", _one_of(Integral, str)),
    "allow_loss": Form("a number of core-hours", _core_hours),
    "variables": Form("a dict of values by name", _table),
    "secrets": Form("a dict of texts by name", _secrets),
}
_HIDDEN = ("credential_command", "secrets", "variables")  # their values are never shown


class Arguments:
    """The arguments of one function. `is_method`: the first parameter is the connection, which no user gives."""

    def __init__(self, function: Callable[..., Any], *, is_method: bool = False) -> None:
        given = list(inspect.signature(function).parameters.values())[is_method:]
        self._function = function.__name__
        self._signature = inspect.Signature(given)
        self._several = {one.name for one in given if one.kind is one.VAR_POSITIONAL}
        named = [one.name for one in given if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
        has_choices = any(one.kind is one.VAR_KEYWORD for one in given)
        self._names = (*named, *(name for name in PlanChoices.__annotations__ if has_choices and name not in named))

    def check(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments in the types of the declaration.

        Raises:
            UsageError: an argument is unknown, missing, or of another type.
        """
        listed = ", ".join((*(f"*{name}" for name in self._several), *self._names))
        hint = f"The arguments of {self._function} are {listed}."
        for name in kwargs:
            if name not in self._names:
                near = get_close_matches(name[:_LONGEST], self._names, n=1)
                question = f": did you mean {near[0]}?" if near else ""
                raise UsageError(f"{self._function} has no argument {name!r}{question}", hint=hint)
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise UsageError(f"{self._function}: {error}", hint=hint) from None
        try:
            bound.arguments.update({name: self._read(name, value) for name, value in bound.arguments.items()})
        except UsageError as error:
            raise error.with_traceback(None) from None
        return bound.args, bound.kwargs

    def _read(self, name: str, value: Any) -> Any:
        parameter = self._signature.parameters[name]
        if name in self._several:
            return tuple(_read(name, one) for one in value)
        if parameter.kind is parameter.VAR_KEYWORD:
            return {choice: _read(choice, one) for choice, one in value.items()}
        return None if value is None and parameter.default is None else _read(name, value)


def _read(name: str, value: Any) -> Any:
    form = FORMS[name]
    try:
        return form.read(value)
    except UsageError as error:
        raise UsageError(f"{name}: {error.message}") from None
    except (TypeError, ValueError, OverflowError):
        if name == "project":
            raise _not_a_project(value) from None
        raise UsageError(f"{name} must be {form.words}, and is {_shown(name, value)}", hint=_way_out(name)) from None


def _not_a_project(value: object) -> UsageError:
    hint = "Write skaha_apply.load('FILE'), or skaha_apply.define('NAME', session)."
    if isinstance(value, str | os.PathLike):
        hint = f"Write skaha_apply.load({str(value)!r})."
    elif isinstance(value, SessionSpec):
        hint = "Write skaha_apply.define('NAME', session)."
    elif isinstance(value, tuple | list):
        hint = "Call the method for each project."
    return UsageError(f"this is not a project: {_shown('project', value)}", hint=hint)


def _way_out(name: str) -> str | None:
    ways = {
        "approve": "Leave it out to carry out every plan, or write approve=lambda plan: not plan.refused.",
        "paths": "Write load('a.yaml', 'b.yaml'), or load(*files).",
    }
    return ways.get(name)


def _shown(name: str, value: object) -> str:
    """A simple value, or the type of another one, whose text can be long or secret."""
    if name not in _HIDDEN and (value is None or isinstance(value, str | int | float | os.PathLike)):
        with suppress(ValueError):  # an integer of more digits than Python prints
            text = repr(str(value) if isinstance(value, os.PathLike) else value)
            if len(text) <= _LONGEST:
                return text
    return f"of type {type(value).__name__}"
