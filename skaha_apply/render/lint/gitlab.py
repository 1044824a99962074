"""Diagnostics as GitLab's Code Quality report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.model.diagnostics import Severity
from skaha_apply.render.lint.documents import fingerprints
from skaha_apply.render.printable import as_json

if TYPE_CHECKING:
    from skaha_apply.model.diagnostics import LintReport

SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor"}


def render(report: LintReport) -> str:
    """The text of the format `gitlab`."""
    return as_json(gitlab_document(report))


def gitlab_document(report: LintReport) -> list[dict[str, Any]]:
    """One item for each diagnostic; an empty list if there is none."""
    return [
        {
            "description": f"{one.summary}. {one.detail}" if one.detail else one.summary,
            "check_name": one.rule,
            "fingerprint": print_,
            "severity": SEVERITIES[one.severity],
            "location": {"path": report.path(one.location.file), "lines": {"begin": one.location.line}},
        }
        for one, print_ in zip(report.found, fingerprints(report), strict=True)
    ]
