"""The last guard of secrets: mask values of sensitive variables in every text that is written.

Plans, states and reports contain names of variables, not values, so normally nothing is left to mask. The exception is
a bug: its traceback can contain every value on the command line, and no manifest has declared yet which are sensitive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.cli.output.session_ids import hide_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

# A shorter value can stand in a result by chance, and masking it would break a JSON document.
MIN_MASKED_LENGTH = 8  # characters
_masked: dict[str, str] = {}
_possible: dict[str, str] = {}


def add_secrets(secrets: Mapping[str, str]) -> None:
    """Mask these values, by variable, in every text from now on."""
    _masked.update({name: value for name, value in secrets.items() if len(value) >= MIN_MASKED_LENGTH})
    add_possible_secrets(secrets)


def add_possible_secrets(values: Mapping[str, str]) -> None:
    """Mask these values, by variable, in tracebacks from now on: any of them can be sensitive."""
    _possible.update(values)


def clear_secrets() -> None:
    """Forget all values, because another invocation begins."""
    _masked.clear()
    _possible.clear()


def mask(text: str) -> str:
    """The text with the values of sensitive variables masked."""
    return _with_masks(text, _masked) if _masked else text


def published_values(value: Any) -> Any:
    """A JSON value whose texts have neither values of sensitive variables nor IDs of interactive sessions.

    Its keys and numbers stay, so that a secret that equals one of them by chance does not break the document.
    """
    if isinstance(value, str):
        return hide_ids(mask(value))
    if isinstance(value, list):
        return [published_values(one) for one in value]
    return {key: published_values(one) for key, one in value.items()} if isinstance(value, dict) else value


def mask_traceback(text: str) -> str:
    """The traceback of a bug, with every value on the command line masked."""
    return _with_masks(text, _possible)


def _with_masks(text: str, secrets: Mapping[str, str]) -> str:
    from skaha_apply.model.masking.secrets import masked  # noqa: PLC0415 - most invocations have nothing to mask

    return masked(text, secrets)
