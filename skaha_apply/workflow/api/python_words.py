"""Errors in the words of Python: they name arguments instead of options of the command line.

A command stays as it is: it stands in backquotes, or on a line of its own, and is for a terminal.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skaha_apply.model.errors import SkahaApplyError

_COMMAND = re.compile(r"(`[^`]*`|(?:^|: )\s*(?:skaha-apply|git|canfar) .*$)", re.MULTILINE)
_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)(?:=(\w+)| ([A-Z]+\b|\d\w*|all\b))?(?![\w=-])")
_SWITCHES = ("force", "sandbox", "take-over")
_VALUES = (
    "allow-loss", "attempt", "axis", "credential-command", "exclude", "phase", "poll", "server", "state", "target",
    "timeout", "wait",
)  # fmt: skip
_SETTINGS = ("concurrency", "lock-timeout", "settle", "state-history", "state-logs")


def in_python(text: str) -> str:
    """The text with `force=True` instead of `--force`; options without such an argument stay."""
    parts = _COMMAND.split(text.replace("in a file by --var-file", "in variables={NAME: VALUE}"))
    return "".join(part if place % 2 else _OPTION.sub(_argument, part) for place, part in enumerate(parts))


def with_python_words(error: SkahaApplyError) -> SkahaApplyError:
    """The same error, whose message and hint name arguments."""
    error.message = in_python(error.message)
    error.hint = None if error.hint is None else in_python(error.hint)
    return error


def _argument(found: re.Match[str]) -> str:
    option, value = found[1], found[2] or found[3]
    name = option.replace("-", "_")
    if option in _SWITCHES:
        return f"{name}=True" + (f" {value}" if value else "")
    if option == "adopt":
        return f"adopt='{'ended' if value == 'ended' else 'active'}'"
    if option in _SETTINGS:
        return f"skaha_apply.Settings({name}=...)"
    if option in _VALUES:
        return f"{name}=..." if value is None else f"{name}={value!r}" if value.islower() else f"{name}={value}"
    return found[0]
