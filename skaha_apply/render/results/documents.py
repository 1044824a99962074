"""The result of a command as JSON: the document that `-o json` prints, with the keys that only a report file has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.model.plan import PLAN_FORMAT
from skaha_apply.model.report import REPORT_FORMAT
from skaha_apply.render.plan.documents import plan_document, report_document
from skaha_apply.render.printable import as_json
from skaha_apply.render.results.numbers import project_numbers

if TYPE_CHECKING:
    from skaha_apply.model.diagnostics import Diagnostic
    from skaha_apply.model.report import CommandResult


def render(result: CommandResult, *, everything: bool = False) -> str:
    """The text of the format `json`; with `everything` a plan includes unchanged replicas."""
    return as_json(result_document(result, everything=everything))


def result_document(result: CommandResult, *, everything: bool = False) -> dict[str, Any]:
    """One plan or one report, or `plans` or `reports` for several projects, or for none if the command failed before.

    In addition: `command`, `exit_code`, `errors`, `lint`, and the numbers of each project.
    """
    plans, reports = [], []
    for one in result.projects:
        if result.command == "plan" and one.plan is not None:
            plans.append({**plan_document(one.plan, everything=everything), **project_numbers(one)})
        elif one.report is not None:
            digest = one.plan.digest if one.plan else None
            reports.append({**report_document(one.report), "digest": digest, **project_numbers(one)})
    key, version = ("plans", PLAN_FORMAT) if result.command == "plan" else ("reports", REPORT_FORMAT)
    documents = plans or reports
    body = documents[0] if len(documents) == 1 else {"format_version": version, key: documents}
    return {
        **body,
        "command": result.command,
        "exit_code": int(result.exit_code),
        "errors": list(result.errors),
        "lint": {**result.lint_counts, "diagnostics": [_diagnostic(one) for one in result.diagnostics]},
    }


def _diagnostic(one: Diagnostic) -> dict[str, Any]:
    return {
        "rule": one.rule,
        "severity": one.severity.value,
        "summary": one.summary,
        "detail": one.detail,
        "file": one.location.file,
        "line": one.location.line,
        "column": one.location.column,
    }
