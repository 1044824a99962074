"""Diagnostics as SARIF 2.1.0, limited to the properties that GitHub code scanning reads."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from skaha_apply.model import __version__
from skaha_apply.render.lint.documents import fingerprints
from skaha_apply.render.printable import as_json

if TYPE_CHECKING:
    from skaha_apply.model.diagnostics import Diagnostic, LintReport, Location, RuleText

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(report: LintReport) -> str:
    """The text of the format `sarif`."""
    return as_json(sarif_document(report))


def sarif_document(report: LintReport) -> dict[str, Any]:
    """The log of one run; `results` is empty if there is no diagnostic."""
    index = {rule.id: number for number, rule in enumerate(report.rules)}
    driver = {
        "name": "skaha-apply",
        "semanticVersion": __version__,
        "rules": [_rule(rule) for rule in report.rules],
    }
    results = [
        _result(one, report, index, print_) for one, print_ in zip(report.found, fingerprints(report), strict=True)
    ]
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": "skaha-apply/lint/"},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(rule: RuleText) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.why} (docs/{rule.page})" if rule.page else rule.why},
        "defaultConfiguration": {"level": rule.severity.value},
    }


def _result(one: Diagnostic, report: LintReport, index: dict[str, int], print_: str) -> dict[str, Any]:
    result: dict[str, Any] = {"ruleId": one.rule}
    if one.rule in index:
        result["ruleIndex"] = index[one.rule]
    return {
        **result,
        "level": one.severity.value,
        "message": {"text": f"{one.summary}\n{one.detail}" if one.detail else one.summary},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(report.path(one.location.file))},
                    "region": _region(one.location),
                },
            },
        ],
        "partialFingerprints": {"primaryLocationLineHash": f"{print_}:1"},
    }


def _uri(path: str) -> str:
    if PurePosixPath(path).is_absolute():
        return f"file://{quote(path)}"
    return quote(path)


def _region(location: Location) -> dict[str, int]:
    return {
        "startLine": location.line,
        "startColumn": location.column,
        "endLine": max(location.end_line, location.line),
        "endColumn": location.end_column,
    }
