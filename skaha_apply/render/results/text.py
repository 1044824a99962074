"""The result of a command as text for people, as the command prints it.

A file keeps what a terminal scrolls away, also the errors, which a command prints on standard error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.render.lint.text import printable_diagnostics
from skaha_apply.render.plan.text import plan_text
from skaha_apply.render.printable import one_line
from skaha_apply.render.results.numbers import numbers_text
from skaha_apply.render.run.report import report_text

if TYPE_CHECKING:
    from skaha_apply.model.report import CommandResult


def render(result: CommandResult, **_: bool) -> str:
    """The plans and reports, then the numbers, the errors and the diagnostics."""
    parts = [plan_text(one.plan) for one in result.projects if one.plan is not None]
    parts += [report_text(one.report) for one in result.projects if one.report is not None]
    parts.append(f"{numbers_text(result)}\n")
    parts += [f"error: {one_line(error)}\n" for error in result.errors]
    return "\n".join(parts) + printable_diagnostics(result.diagnostics)
