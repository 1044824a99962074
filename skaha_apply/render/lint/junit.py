"""Diagnostics as a JUnit report: one suite for each manifest, with one test case for each rule."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.masking.inert_text import inert_xml
from skaha_apply.render.lint.text import diagnostic_text
from skaha_apply.render.printable import one_line, printable_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.diagnostics import Diagnostic, LintReport


def render(report: LintReport) -> str:
    """The report as XML. A rule with an error fails; with `strict` a rule with a warning fails too.

    Other warnings are the output of a passed test case.
    """
    by_file: dict[str, dict[str, list[Diagnostic]]] = {file: {} for file in sorted(report.files)}
    for one in report.found:
        by_file.setdefault(one.location.file, {}).setdefault(one.rule, []).append(one)
    suites = [_suite(file, found, report) for file, found in by_file.items()]
    tests, failures = sum(suite[0] for suite in suites), sum(suite[1] for suite in suites)
    head = f'<testsuites name="skaha-apply lint" tests="{tests}" failures="{failures}" errors="0">'
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', head, *(suite[2] for suite in suites), "</testsuites>\n"]
    return inert_xml("\n".join(lines))


def _suite(file: str, found: dict[str, list[Diagnostic]], report: LintReport) -> tuple[int, int, str]:
    """The number of test cases and of failures of one manifest, and its XML."""
    rules = list(dict.fromkeys([*(rule.id for rule in report.rules), *sorted(found)]))
    name = _attribute(report.path(file))
    cases = [_case(rule, name, found.get(rule, ()), report) for rule in rules]
    failures = sum(failed for failed, _ in cases)
    head = f'  <testsuite name={name} tests="{len(cases)}" failures="{failures}" errors="0">'
    return len(cases), failures, "\n".join([head, *(text for _, text in cases), "  </testsuite>"])


def _case(rule: str, name: str, found: Sequence[Diagnostic], report: LintReport) -> tuple[bool, str]:
    head = f"    <testcase name={_attribute(rule)} classname={name}"
    if not found:
        return False, f"{head}/>"
    text = escape(printable_lines("\n\n".join(map(diagnostic_text, found))))
    worst = next((one for one in found if one.severity is Severity.ERROR), found[0])
    if worst.severity is not Severity.ERROR and not report.strict:
        return False, f"{head}>\n      <system-out>{text}</system-out>\n    </testcase>"
    failure = f"<failure type={_attribute(worst.severity.value)} message={_attribute(worst.summary)}>{text}</failure>"
    return True, f"{head}>\n      {failure}\n    </testcase>"


def _attribute(text: str) -> str:
    return quoteattr(one_line(text))
