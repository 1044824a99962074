"""Reports of lint, each against the schema that its readers go by, and what a hostile manifest may put into them."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from skaha_apply.model.diagnostics import Diagnostic, LintReport, Location, RuleText, Severity
from skaha_apply.render.formats import LintFormat
from skaha_apply.render.lint.documents import SCHEMA, fingerprints, lint_document, lint_schema, schema_text
from skaha_apply.render.lint.github import SUMMARY, github_summary
from skaha_apply.render.lint.gitlab import gitlab_document
from skaha_apply.render.lint.sarif import sarif_document

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
SARIF = jsonschema.Draft4Validator(
    json.loads((HERE / "schemas/sarif-schema-2.1.0.json").read_text(encoding="utf-8")),
    format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER,
)
GITLAB = {
    "type": "array",
    "items": {
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "description": {"type": "string", "minLength": 1},
            "check_name": {"type": "string", "minLength": 1},
            "fingerprint": {"type": "string", "minLength": 1},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "required": ["path", "lines"],
                "properties": {
                    "path": {"type": "string", "pattern": "^[^/.]"},
                    "lines": {"required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}},
                },
            },
        },
    },
}
RULES = (
    RuleText("a-rule", Severity.ERROR, "It is wrong.", "Since it is.", "rules/a-rule.md"),
    RuleText("b-rule", Severity.WARNING, "It is odd.", "Since it is."),
)
NASTY = "100% \x1b[31m<b>&\"'`|,:: ]]> \u202e é☆\x00\ufffe"


@cache
def junit():
    """The schema of JUnit reports; xmlschema takes a second to import, which each worker would do to collect tests."""
    import xmlschema  # noqa: PLC0415

    return xmlschema.XMLSchema(HERE / "schemas/junit-10.xsd")


def diagnostic(line=4, severity=Severity.ERROR, **more):
    rule = "a-rule" if severity is Severity.ERROR else "b-rule"
    given = {
        "detail": "Write x.\nOr y.",
        "location": Location("m.yaml", line, 3, line, 5),
        "path": "sessions[0].cmd",
    } | more
    return Diagnostic(rule, severity, given.pop("summary", "it is wrong"), snippet="  ab\n  ^^", **given)


def report(*found, **more):
    given = {"files": ("m.yaml", "clean.yaml"), "paths": {"m.yaml": "sub dir/m.yaml"}} | more
    return LintReport(tuple(found), RULES, **given)


REPORTS = {
    "clean": report(),
    "one": report(diagnostic()),
    "warning": report(diagnostic(severity=Severity.WARNING)),
    "strict": report(diagnostic(severity=Severity.WARNING), strict=True),
    "no detail": report(diagnostic(detail="")),
    "nasty": report(diagnostic(summary=NASTY, detail=NASTY, session=NASTY, path=NASTY)),
    "nasty file": report(diagnostic(location=Location("a b/ü%,:#\n.yaml", 1, 1, 1, 1))),
    "stdin": report(diagnostic(location=Location("-", 1, 1, 1, 1))),
    "several lines": report(diagnostic(location=Location("m.yaml", 2, 5, 9, 1))),
    "unknown rule": LintReport((diagnostic(),), ()),
    "many": report(*(diagnostic(line) for line in range(1, 1000)), diagnostic(1, Severity.WARNING)),
}


def no_empty_strings(value):
    if isinstance(value, dict):
        return all(map(no_empty_strings, value.values()))
    return all(map(no_empty_strings, value)) if isinstance(value, list) else value != ""


@pytest.mark.parametrize("name", REPORTS)
def test_every_format_obeys_its_schema(name):
    one = REPORTS[name]
    sarif = json.loads(json.dumps(sarif_document(one)))
    SARIF.validate(sarif)
    assert no_empty_strings(sarif)
    assert len(sarif["runs"][0]["results"]) == len(one.found)
    junit().validate(ET.ElementTree(ET.fromstring(LintFormat.JUNIT.render(one).encode())))
    gitlab = gitlab_document(one)
    jsonschema.validate(gitlab, GITLAB if name != "stdin" else {})
    assert len({entry["fingerprint"] for entry in gitlab}) == len(one.found)
    jsonschema.validate(lint_document(one), lint_schema())


def test_schemas_refuse_other_documents():
    sarif = sarif_document(REPORTS["one"])
    sarif["runs"][0]["results"][0]["level"] = "dreadful"
    assert not SARIF.is_valid(sarif)
    assert not junit().is_valid(ET.ElementTree(ET.fromstring("<testsuites><testcase/></testsuites>")))


def test_the_committed_schema_is_fresh():
    assert (ROOT / SCHEMA).read_text(encoding="utf-8") == schema_text()


def test_sarif_has_what_github_reads():
    run = sarif_document(REPORTS["one"])["runs"][0]
    result = run["results"][0]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "a-rule"
    where = result["locations"][0]["physicalLocation"]
    assert where["artifactLocation"]["uri"] == "sub%20dir/m.yaml"
    assert where["region"] == {"startLine": 4, "startColumn": 3, "endLine": 4, "endColumn": 5}
    assert sarif_document(report())["runs"][0]["results"] == []


def test_junit_has_a_case_for_each_file_and_rule():
    root = ET.fromstring(LintFormat.JUNIT.render(REPORTS["one"]).encode())
    assert (root.get("tests"), root.get("failures")) == ("4", "1")
    assert [suite.get("name") for suite in root] == ["clean.yaml", "sub dir/m.yaml"]
    assert root.find(".//failure").get("message") == "it is wrong"
    assert ET.fromstring(LintFormat.JUNIT.render(REPORTS["warning"]).encode()).get("failures") == "0"
    assert ET.fromstring(LintFormat.JUNIT.render(REPORTS["strict"]).encode()).get("failures") == "1"


def test_github_shows_errors_first_and_counts_what_a_step_would_not_show():
    found = [diagnostic(line, Severity.WARNING) for line in range(1, 13)] + [diagnostic(line) for line in range(1, 15)]
    lines = LintFormat.GITHUB.render(report(*found)).splitlines()
    assert [line.split(" ")[0] for line in lines[:20]] == ["::error"] * 10 + ["::warning"] * 10
    assert lines[20:] == ["::notice::and 6 more diagnostics in the summary of this job"]
    assert github_summary(report(*found)).count("sub dir/m.yaml:") == 26


def test_github_commands_cannot_be_forged():
    text = LintFormat.GITHUB.render(
        report(diagnostic(summary="a\n::error::forged", location=Location("x,y:z%\n.yaml", 1, 2, 1, 3)))
    )
    assert text == (
        "::error file=x%2Cy%3Az%25%0A.yaml,line=1,endLine=1,col=2,endColumn=3,title=a-rule::"
        "a%0A::error::forged%0AWrite x.%0AOr y.\n"
    )
    assert "\x1b" not in LintFormat.GITHUB.render(REPORTS["nasty"])


def test_the_summary_of_a_job_is_bounded_and_escaped():
    many = report(*(diagnostic(line, summary="x" * 5000) for line in range(2000)))
    text = github_summary(many)
    assert len(text.encode()) <= SUMMARY
    assert "2000 errors" in text.splitlines()[0]
    left = int(re.search(r"_(\d+) more;", text)[1])
    assert text.count("sub dir/m.yaml:") + left == 2000
    assert "<b>" not in github_summary(REPORTS["nasty"]).replace("\\<b\\>", "")
    assert github_summary(report()) == "### skaha-apply lint: no problems found\n\n"


def test_a_fingerprint_is_about_the_session_not_the_line():
    first = fingerprints(report(diagnostic(session="reduce")))
    moved = fingerprints(report(diagnostic(90, session="Reduce", path="sessions[7].cmd")))
    assert first == moved
    other = [
        fingerprints(report(diagnostic(session="mosaic"))),
        fingerprints(report(diagnostic(session="reduce", path="sessions[0].args[0]"))),
        fingerprints(report(diagnostic(session="reduce", severity=Severity.WARNING))),
        fingerprints(report(diagnostic(session="reduce"), paths={})),
    ]
    assert len({first, *other}) == 5
    twice = fingerprints(report(diagnostic(session="reduce"), diagnostic(5, session="reduce")))
    assert twice[0] == first[0]
    assert twice[1] != twice[0]
