"""Findings about manifests as text, the same for every command that stops on them."""

from __future__ import annotations

from textwrap import indent
from typing import TYPE_CHECKING

from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.diagnostics import Diagnostic

MOST = 50  # findings that are written out; a mistake in a default may be found a thousand times


def diagnostic_text(diagnostic: Diagnostic) -> str:
    """One finding: place, severity, rule and summary on the first line, then the snippet, then the way out."""
    parts = [f"{diagnostic.location}: {diagnostic.severity}: {diagnostic.summary} [{diagnostic.rule}]"]
    if diagnostic.snippet:
        parts.append(indent(diagnostic.snippet, "    "))
    if diagnostic.detail:
        parts.append(indent(diagnostic.detail, "  "))
    return "\n".join(parts)


def diagnostics_text(diagnostics: Sequence[Diagnostic], *, most: int | None = MOST) -> str:
    """Findings, errors first, and a line that counts them; "" for none. Beyond `most` they are only counted."""
    if not diagnostics:
        return ""
    ordered = sorted(diagnostics, key=lambda found: found.severity is not Severity.ERROR)
    blocks = [diagnostic_text(diagnostic) for diagnostic in ordered[:most]]
    if most is not None and len(ordered) > most:
        blocks.append(f"… and {len(ordered) - most} more")
    return "\n\n".join([*blocks, count_text(ordered)]) + "\n"


def count_text(diagnostics: Sequence[Diagnostic]) -> str:
    """How many errors and warnings there are: `2 errors, 1 warning`."""
    errors = sum(found.severity is Severity.ERROR for found in diagnostics)
    counts = {"error": errors, "warning": len(diagnostics) - errors}
    said = [f"{count} {word}{'' if count == 1 else 's'}" for word, count in counts.items() if count]
    return ", ".join(said) or "no findings"
