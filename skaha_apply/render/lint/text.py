"""Diagnostics as text, the same for every command that stops because of them."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted
from skaha_apply.model.diagnostics import Severity
from skaha_apply.render.printable import printable_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.diagnostics import Diagnostic, LintReport

MAX_SHOWN = 50  # diagnostics; a mistake in `defaults` can give one for each of a thousand sessions


def render(report: LintReport) -> str:
    """The text of the format `text`."""
    return printable_diagnostics(report.found, most=None) or "no problems found\n"


def printable_diagnostics(diagnostics: Sequence[Diagnostic], *, most: int | None = MAX_SHOWN) -> str:
    """`diagnostics_text` with control characters of the quoted manifests escaped; "" if there is none."""
    text = diagnostics_text(diagnostics, most=most)
    return f"{printable_lines(text)}\n" if text else ""


def diagnostic_text(diagnostic: Diagnostic) -> str:
    """One diagnostic: location, severity, summary and rule on the first line, then the snippet, then the detail."""
    parts = [f"{diagnostic.location}: {diagnostic.severity}: {diagnostic.summary} [{diagnostic.rule}]"]
    if diagnostic.snippet:
        parts.append(indent(diagnostic.snippet, "    "))
    if diagnostic.detail:
        parts.append(indent(diagnostic.detail, "  "))
    return "\n".join(parts)


def diagnostics_text(diagnostics: Sequence[Diagnostic], *, most: int | None = MAX_SHOWN) -> str:
    """Diagnostics, errors first, and a line with their number; "" if there is none. At most `most` are written out."""
    if not diagnostics:
        return ""
    ordered = sorted(diagnostics, key=lambda found: found.severity is not Severity.ERROR)
    blocks = [diagnostic_text(diagnostic) for diagnostic in ordered[:most]]
    if most is not None and len(ordered) > most:
        blocks.append(f"… and {len(ordered) - most} more")
    return "\n\n".join([*blocks, count_text(ordered)]) + "\n"


def count_text(diagnostics: Sequence[Diagnostic]) -> str:
    """The number of errors and warnings: `2 errors, 1 warning`."""
    errors = sum(found.severity is Severity.ERROR for found in diagnostics)
    counts = {"error": errors, "warning": len(diagnostics) - errors}
    parts = [counted(count, word) for word, count in counts.items() if count]
    return ", ".join(parts) or "no problems found"
