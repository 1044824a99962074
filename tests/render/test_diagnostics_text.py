"""Diagnostics as text: errors first, each with its location and the fix; a long list is cut, the rest is counted."""

from __future__ import annotations

from skaha_apply.model.diagnostics import Diagnostic, Location, Severity
from skaha_apply.render.lint.text import count_text, diagnostics_text


def diagnostic(line, severity=Severity.ERROR, detail="Write x."):
    return Diagnostic("a-rule", severity, "it is wrong", detail, Location("m.yaml", line, 3, line, 5), "  ab\n  ^^")


def test_one_diagnostic():
    assert diagnostics_text([diagnostic(4)]) == (
        "m.yaml:4:3: error: it is wrong [a-rule]\n      ab\n      ^^\n  Write x.\n\n1 error\n"
    )


def test_errors_come_first_and_all_are_counted():
    text = diagnostics_text([diagnostic(1, Severity.WARNING), diagnostic(2), diagnostic(3)])
    assert [line.split(" ")[0] for line in text.splitlines() if "wrong" in line] == [
        "m.yaml:2:3:",
        "m.yaml:3:3:",
        "m.yaml:1:3:",
    ]
    assert text.endswith("2 errors, 1 warning\n")


def test_a_flood_is_cut():
    text = diagnostics_text([diagnostic(line) for line in range(1, 1001)])
    assert text.count("it is wrong") == 50
    assert "… and 950 more" in text
    assert text.endswith("1000 errors\n")
    assert diagnostics_text([diagnostic(line) for line in range(1, 101)], most=None).count("it is wrong") == 100


def test_nothing():
    assert diagnostics_text([]) == ""
    assert count_text([]) == "no problems found"
