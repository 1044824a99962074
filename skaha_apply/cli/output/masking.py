"""The last guard before a screen: values of sensitive variables that came into a text in spite of all are masked.

Nothing should come that far, since plans, states and reports hold names in place of values. What a defect tells is an
exception, whose message and traceback may hold anything that was given, also before a manifest said what is sensitive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.masking.secrets import masked

if TYPE_CHECKING:
    from collections.abc import Mapping

_TELLING = 8  # characters: a shorter value may stand in a result by chance, and a JSON document would no longer be one
_hidden: dict[str, str] = {}
_suspected: dict[str, str] = {}


def hide(secrets: Mapping[str, str]) -> None:
    """From now on mask these values, by variable, in everything that is written."""
    _hidden.update({name: value for name, value in secrets.items() if len(value) >= _TELLING})
    suspect(secrets)


def suspect(values: Mapping[str, str]) -> None:
    """From now on mask these values, by variable, in what is told of a defect: any of them may be sensitive."""
    _suspected.update(values)


def lift() -> None:
    """Forget all values: another call begins."""
    _hidden.clear()
    _suspected.clear()


def veiled(text: str) -> str:
    """A text as it may be written."""
    return masked(text, _hidden) if _hidden else text


def veiled_defect(text: str) -> str:
    """What is told of a defect, as it may be written."""
    return masked(text, _suspected)
