"""Diagnostics as text, the same for every command that stops because of them."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted
from skaha_apply.model.diagnostics import Severity
from skaha_apply.render.printable import printable_lines
from skaha_apply.render.wrapped_text import shifted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.diagnostics import Diagnostic, LintReport

_MARGIN = "    "  # before a line of a manifest
MAX_SHOWN = 50  # diagnostics; a mistake in `defaults` can give one for each of a thousand sessions


def render(report: LintReport) -> str:
    """The text of the format `text`."""
    return report_in_columns(report, None)


def report_in_columns(report: LintReport, width: int | None) -> str:
    """The text of the format `text` for a terminal with `width` columns, None for no limit."""
    return printable_diagnostics(report.found, most=None, width=width) or "no problems found\n"


def printable_diagnostics(
    diagnostics: Sequence[Diagnostic], *, most: int | None = MAX_SHOWN, width: int | None = None
) -> str:
    """`diagnostics_text` with control characters of the quoted manifests escaped; "" if there is none."""
    text = diagnostics_text(diagnostics, most=most, width=width)
    return f"{printable_lines(text)}\n" if text else ""


def diagnostic_text(diagnostic: Diagnostic, width: int | None = None) -> str:
    """One diagnostic: location, severity, summary and rule on the first line, then the snippet, then the detail.

    The snippet is cut at `width` columns, so that the carets stay below what they mark.
    """
    parts = [f"{diagnostic.location}: {diagnostic.severity}: {diagnostic.summary} [{diagnostic.rule}]"]
    if diagnostic.snippet:
        parts.append(indent(_cut(diagnostic.snippet, width), _MARGIN))
    if diagnostic.detail:
        parts.append(indent(diagnostic.detail, "  "))
    return "\n".join(parts)


def _cut(snippet: str, width: int | None) -> str:
    source, _, carets = snippet.partition("\n")
    return snippet if width is None else "\n".join(shifted(source, carets, max(width - len(_MARGIN), 1)))


def diagnostics_text(
    diagnostics: Sequence[Diagnostic], *, most: int | None = MAX_SHOWN, width: int | None = None
) -> str:
    """Diagnostics, errors first, and a line with their number; "" if there is none. At most `most` are written out."""
    if not diagnostics:
        return ""
    ordered = sorted(diagnostics, key=lambda found: found.severity is not Severity.ERROR)
    blocks = [diagnostic_text(diagnostic, width) for diagnostic in ordered[:most]]
    if most is not None and len(ordered) > most:
        blocks.append(f"… and {len(ordered) - most} more")
    return "\n\n".join([*blocks, count_text(ordered)]) + "\n"


def count_text(diagnostics: Sequence[Diagnostic]) -> str:
    """The number of errors and warnings: `2 errors, 1 warning`."""
    errors = sum(found.severity is Severity.ERROR for found in diagnostics)
    counts = {"error": errors, "warning": len(diagnostics) - errors}
    parts = [counted(count, word) for word, count in counts.items() if count]
    return ", ".join(parts) or "no problems found"
