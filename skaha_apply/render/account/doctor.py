"""The output of `doctor`: a row for each check, and below it what to do, with the command alone on its line."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any

from skaha_apply.model.account.health import Health
from skaha_apply.model.counts import counted
from skaha_apply.render.color import plain
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skaha_apply.model.account.health import Check
    from skaha_apply.render.color import Paint

DOCTOR_FORMAT = "1.0"
_WORDS = {Health.OK: "ok", Health.WARNING: "warn", Health.FAILED: "FAIL", Health.NOT_CHECKED: "-"}
_STYLES = {Health.OK: "green", Health.WARNING: "bold yellow", Health.FAILED: "bold red", Health.NOT_CHECKED: "dim"}
_NAME, _WORD = 10, 4  # columns
_FIRST = _NAME + _WORD + 4  # columns before the text of a check
_COMMAND = re.compile(r"`([^`\n]+ [^`\n]+)`")
_BELOW = "the command below"


def doctor_text(checks: Sequence[Check], width: int, paint: Paint = plain) -> str:
    """The checks in at most `width` columns, but for commands, which are not wrapped; a count at the end."""
    rows = [row for check in checks for row in _rows(check, max(width, 2 * _FIRST), paint)]
    return "\n".join([*rows, "", _summary(checks)]) + "\n"


def doctor_document(checks: Sequence[Check]) -> dict[str, Any]:
    """The checks as a JSON value; `fix` is a command to paste, null if there is none."""
    return {
        "format_version": DOCTOR_FORMAT,
        "healthy": all(check.health is not Health.FAILED for check in checks),
        "checks": [
            {
                "name": check.name,
                "project": check.project or None,
                "health": check.health.value.replace(" ", "_"),
                "text": check.text,
                "hint": check.hint or None,
                "fix": _fix(check.hint),
            }
            for check in checks
        ],
    }


def _fix(hint: str) -> str | None:
    """The first command in backquotes of a hint."""
    found = _COMMAND.search(hint)
    return found[1] if found else None


def _rows(check: Check, width: int, paint: Paint) -> Iterator[str]:
    text = f"{check.project}: {check.text}" if check.project else check.text
    lines = _wrapped(one_line(text), width)
    word = paint(f"{_WORDS[check.health]:<{_WORD}}", _STYLES[check.health])
    yield f"{check.name:<{_NAME}}  {word}  {lines[0]}".rstrip()
    yield from (" " * _FIRST + line for line in lines[1:])
    if check.hint:
        fix = _fix(check.hint)
        prose = _COMMAND.sub(_BELOW, check.hint, count=1)
        yield from (" " * _FIRST + line for line in _wrapped(one_line(prose), width))
        if fix:
            yield " " * (_FIRST + 2) + paint(one_line(fix), "bold cyan")


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width - _FIRST, break_long_words=False, break_on_hyphens=False) or [""]


def _summary(checks: Sequence[Check]) -> str:
    bad = sum(check.health is Health.FAILED for check in checks)
    warnings = sum(check.health is Health.WARNING for check in checks)
    made = sum(check.health is not Health.NOT_CHECKED for check in checks)
    if bad:
        return f"{bad} of {counted(made, 'check')} failed."
    return f"{counted(made, 'check')} made, none failed" + (f"; {counted(warnings, 'warning')}." if warnings else ".")
