"""An error as two lines: where and what is wrong, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.render.color import plain
from skaha_apply.render.lint.text import MOST, findings_text
from skaha_apply.render.printable import block, line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.diagnostics import Diagnostic
    from skaha_apply.model.errors import SkahaApplyError
    from skaha_apply.render.color import Ink


def error_text(error: SkahaApplyError, ink: Ink = plain) -> str:
    """`error: FILE:LINE:COL: message` and, where one is known, `hint: what to do next`."""
    return message_text("error", str(error), error.hint, ink)


def problems_text(found: Sequence[Diagnostic], *, most: int | None = MOST) -> str:
    """Findings about manifests, what they quote of them made safe to show; "" without any."""
    text = findings_text(found, most=most)
    return f"{block(text)}\n" if text else ""


def message_text(word: str, message: str, hint: str | None, ink: Ink = plain) -> str:
    """A message of any weight; further lines of it and of its hint are indented."""
    style = {"error": "bold red", "warning": "bold yellow"}.get(word, "bold")
    text = f"{ink(f'{word}:', style)} {_lines(message)}\n"
    return text + f"{ink('hint:', 'bold cyan')} {_lines(hint)}\n" if hint else text


def _lines(text: str) -> str:
    return "\n  ".join(line(row) for row in block(text).split("\n"))
