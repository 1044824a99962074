"""An error as text: what happened and where, then a hint that states what to do next."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.render.color import plain
from skaha_apply.render.printable import one_line, printable_lines

if TYPE_CHECKING:
    from skaha_apply.model.errors import SkahaApplyError
    from skaha_apply.render.color import Paint

_COMMAND = re.compile(r"(?<!^error)(?<!^warning): (skaha-apply [^`\n]+)$", re.MULTILINE)  # not the message itself


def error_text(error: SkahaApplyError, paint: Paint = plain) -> str:
    """`error: FILE:LINE:COL: message`, and `hint: what to do next` if the error has one."""
    return message_text("error", error.located_message, error.hint, paint)


def message_text(word: str, message: str, hint: str | None, paint: Paint = plain) -> str:
    """A message of the severity `word`; the second and later lines of the message and the hint are indented."""
    style = {"error": "bold red", "warning": "bold yellow"}.get(word, "bold")
    text = f"{paint(f'{word}:', style)} {_lines(message)}\n"
    return text + hint_text(hint, paint) if hint else text


def hint_text(hint: str, paint: Paint = plain) -> str:
    """`hint: what to do next`; further lines are indented."""
    return f"{paint('hint:', 'bold cyan')} {_lines(hint)}\n"


def alone(text: str) -> str:
    """The text with each command that ends a line on a line of its own, so that it can be copied whole."""
    return _COMMAND.sub(r":\n  \1", text)


def _lines(text: str) -> str:
    return "\n  ".join(one_line(row) for row in printable_lines(text).split("\n"))
