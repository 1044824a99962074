"""The last guard before a screen: values of sensitive variables that came into a text in spite of all are masked.

Nothing should come that far, since plans, states and reports hold names in place of values. What a defect tells is an
exception, whose message and traceback may hold anything that was given, also before a manifest said what is sensitive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.masking.secrets import masked

if TYPE_CHECKING:
    from collections.abc import Mapping

# A shorter value can stand in a result by chance, and masking it would break a JSON document.
MIN_MASKED_LENGTH = 8  # characters
_masked: dict[str, str] = {}
_possible: dict[str, str] = {}


def add_secrets(secrets: Mapping[str, str]) -> None:
    """From now on mask these values, by variable, in everything that is written."""
    _masked.update({name: value for name, value in secrets.items() if len(value) >= MIN_MASKED_LENGTH})
    add_possible_secrets(secrets)


def add_possible_secrets(values: Mapping[str, str]) -> None:
    """From now on mask these values, by variable, in what is told of a defect: any of them may be sensitive."""
    _possible.update(values)


def clear_secrets() -> None:
    """Forget all values: another call begins."""
    _masked.clear()
    _possible.clear()


def mask(text: str) -> str:
    """A text as it may be written."""
    return masked(text, _masked) if _masked else text


def mask_traceback(text: str) -> str:
    """What is told of a defect, as it may be written."""
    return masked(text, _possible)
