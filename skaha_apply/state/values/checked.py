"""Reads values of a state with a check of each value, for texts whose digest does not prove them."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from skaha_apply.model.state import StateDocument

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")


class WrongValue(Exception):
    """A value that is not of the declared type; the text states what is expected, `path` where the value is."""

    def __init__(self, path: str, text: str) -> None:
        super().__init__(text)
        self.path = path


def read_checked(raw: dict[str, Any]) -> StateDocument:
    """The document of a JSON value, without its unknown keys.

    Raises:
        WrongValue: a value has another type, is missing, or is out of its bounds.
        OverflowError: a time is out of range.
    """
    adapter = _adapter()
    try:
        try:
            return adapter.validate_python(raw)
        except ValidationError as error:
            for problem in error.errors(include_url=False, include_input=False):
                if problem["type"] in _UNKNOWN:
                    _drop(raw, problem["loc"])
            return adapter.validate_python(raw)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise WrongValue(_path(problem["loc"]), problem["msg"]) from error


@cache
def _adapter() -> TypeAdapter[StateDocument]:
    return TypeAdapter(StateDocument)


def _drop(raw: Any, loc: tuple[int | str, ...]) -> None:
    for step in loc[:-1]:
        raw = raw[step]
    raw.pop(loc[-1], None)


def _path(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc).lstrip(".")
