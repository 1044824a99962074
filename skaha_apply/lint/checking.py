"""All rules over all projects of a call: no input, no output, no server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.lint.rules import RULES
from skaha_apply.model.place import Diagnostic, Place, snippet

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from skaha_apply.lint.rule import Finding, Rule
    from skaha_apply.model.spec import Project

WITH_SNIPPET = 1_000  # findings that come with a snippet; nobody reads more
LINE_BREAK = re.compile(r"\r\n|\r|\n")


def check(
    projects: Sequence[Project], *, select: Collection[str] | None = None, ignore: Collection[str] = ()
) -> tuple[Diagnostic, ...]:
    """What the rules find, by place.

    Args:
        projects: all projects of the call, since names are unique over all of them.
        select: ids of the rules to run, all by default.
        ignore: ids of rules that are left out.
    """
    lines: dict[str, list[str]] = {}
    found: dict[tuple[str, Place, str], Diagnostic] = {}
    for rule in RULES:
        if rule.id in ignore or (select is not None and rule.id not in select):
            continue
        for finding in rule.check(projects):
            place = finding.project.place(finding.path) or Place("")
            if (place.file, place.line, rule.id) not in finding.project.suppressed:
                key = (rule.id, place, finding.summary)
                found.setdefault(key, _diagnostic(rule, finding, place, lines if len(found) < WITH_SNIPPET else None))
    return tuple(sorted(found.values(), key=lambda item: (item.place, item.rule)))


def _diagnostic(rule: Rule, finding: Finding, place: Place, lines: dict[str, list[str]] | None) -> Diagnostic:
    shown = "" if lines is None else _snippet(finding.project, place, lines)
    return Diagnostic(rule.id, rule.severity, finding.summary, finding.detail, place, shown, finding.path)


def _snippet(project: Project, place: Place, lines: dict[str, list[str]]) -> str:
    if place.file not in lines:
        lines[place.file] = LINE_BREAK.split(project.texts.get(place.file, ""))
    text = lines[place.file]
    line = text[place.line - 1] if place.line <= len(text) else ""
    return snippet(line, place) if line.strip() else ""
