"""Diagnostics for GitHub Actions: the annotations that a step can show, and all of them in the job summary."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted
from skaha_apply.model.diagnostics import Severity
from skaha_apply.render.ci_commands import MOST, annotation
from skaha_apply.render.lint.text import count_text
from skaha_apply.render.printable import one_line, truncate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.diagnostics import Diagnostic, LintReport

SUMMARY = 1_000_000  # bytes; GitHub accepts 1 MiB from a step
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~@&!])")


def render(report: LintReport) -> str:
    """Workflow commands, errors first; diagnostics that a step cannot show are only counted."""
    lines = []
    left = 0
    for severity in (Severity.ERROR, Severity.WARNING):
        found = [one for one in report.found if one.severity is severity]
        lines += [_command(one, report) for one in found[:MOST]]
        left += max(0, len(found) - MOST)
    if left:
        lines.append(f"::notice::and {counted(left, 'more diagnostic')} in the summary of this job")
    return "".join(f"{one}\n" for one in lines)


def github_summary(report: LintReport) -> str:
    """A Markdown table of the diagnostics, up to the size that GitHub accepts; the rest is counted."""
    head = f"### skaha-apply lint: {count_text(report.found)}\n\n"
    if not report.found:
        return head
    head += "| location | rule | problem |\n|---|---|---|\n"
    rows = _rows(report)
    kept, size = [], len(head.encode()) + 200
    for row in rows:
        size += len(row.encode())
        if size > SUMMARY:
            break
        kept.append(row)
    left = len(report.found) - len(kept)
    tail = f"\n_{left} more; `lint -o json` lists all of them._\n" if left else ""
    return head + "".join(kept) + tail


def _rows(report: LintReport) -> Iterable[str]:
    ordered = sorted(report.found, key=lambda one: one.severity is not Severity.ERROR)
    for one in islice(ordered, SUMMARY):
        location = f"{report.path(one.location.file)}:{one.location.line}:{one.location.column}"
        text = f"{one.summary}. {one.detail}" if one.detail else one.summary
        yield f"| {_cell(location)} | {one.severity}: {_cell(one.rule)} | {_cell(truncate(text, 2000))} |\n"


def _cell(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", one_line(text.replace("\n", " ")))


def _command(one: Diagnostic, report: LintReport) -> str:
    location = one.location
    given: dict[str, str | int] = {"file": report.path(location.file), "line": location.line}
    given["endLine"] = max(location.end_line, location.line)
    if location.end_line == location.line:  # GitHub ignores columns of a range over several lines
        given |= {"col": location.column, "endColumn": location.end_column}
    given["title"] = one.rule
    text = f"{one.summary}\n{one.detail}" if one.detail else one.summary
    return annotation(one.severity, text, given)
