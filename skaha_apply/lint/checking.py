"""All rules over all projects of a call: no input, no output, no server."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skaha_apply.lint.rules import RULES, clear_secret, unused_ignore
from skaha_apply.model.place import Diagnostic, Ignore, Place, snippet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from skaha_apply.lint.rule import Finding, Online, Rule
    from skaha_apply.model.spec import Project

WITH_SNIPPET = 1_000  # findings that come with a snippet; nobody reads more
LINE_BREAK = re.compile(r"\r\n|\r|\n")
INDEX = re.compile(r"sessions\[([0-9]+)\]")


def check(
    projects: Sequence[Project],
    *,
    select: Collection[str] | None = None,
    ignore: Collection[str] = (),
    online: Online | None = None,
) -> tuple[Diagnostic, ...]:
    """What the rules find, by place.

    Args:
        projects: all projects of the call, since names are unique over all of them.
        select: ids of the rules to run, all by default.
        ignore: ids of rules that are left out.
        online: what the server tells; without it the stock server is assumed.
    """
    run = [rule for rule in RULES if rule.id not in ignore and (select is None or rule.id in select)]
    sheet = _Sheet({(one.place.file, one.line, one.rule): one for project in projects for one in project.ignores})
    for rule in sorted(run, key=lambda rule: rule is not clear_secret.RULE):  # what it masks, no other shows
        found = rule.online(projects, online) if online is not None and rule.online else rule.check(projects)
        sheet.note(rule, found)
    if unused_ignore.RULE in run:
        # What a rule finds may differ between servers: a comment that is of no use here may be of use there.
        judged = {rule.id for rule in run if not (online and rule.online)} | unused_ignore.unknown(projects)
        sheet.note(unused_ignore.RULE, unused_ignore.unused(projects, judged, sheet.used))
    return tuple(sorted(sheet.found.values(), key=lambda item: (item.place, item.rule)))


@dataclass
class _Sheet:
    """What was found so far, each once, and which comments kept something from being found."""

    ignores: dict[tuple[str, int, str], Ignore]
    used: set[tuple[str, int, str]] = field(default_factory=set)
    found: dict[tuple[str, Place, str], Diagnostic] = field(default_factory=dict)
    lines: dict[str, list[str]] = field(default_factory=dict)

    def note(self, rule: Rule, findings: Iterable[Finding]) -> None:
        for finding in findings:
            place = finding.place or finding.project.place(finding.path) or Place("")
            line = (place.file, place.line, rule.id)
            if line in self.ignores:
                self.used.add(line)
                continue
            key = (rule.id, place, finding.summary)
            if key not in self.found:
                self.found[key] = self._diagnostic(rule, finding, place)

    def _diagnostic(self, rule: Rule, finding: Finding, place: Place) -> Diagnostic:
        path, session = _within_file(finding)
        shown = self._snippet(finding, place) if finding.masked or len(self.found) < WITH_SNIPPET else ""
        severity = finding.severity or rule.severity
        return Diagnostic(rule.id, severity, finding.summary, finding.detail, place, shown, path, session)

    def _snippet(self, finding: Finding, place: Place) -> str:
        if place.file not in self.lines:
            self.lines[place.file] = LINE_BREAK.split(finding.project.texts.get(place.file, ""))
        lines = self.lines[place.file]
        if finding.masked:
            _mask(lines, place)
        line = lines[place.line - 1] if place.line <= len(lines) else ""
        return snippet(line, place) if line.strip() else ""


def _mask(lines: list[str], place: Place) -> None:
    for number in range(place.line, min(place.end_line, len(lines)) + 1):
        line = lines[number - 1]
        start = place.column - 1 if number == place.line else 0
        end = place.end_column - 1 if number == place.end_line else len(line)
        lines[number - 1] = line[:start] + "*" * len(line[start:end]) + line[end:]


def _within_file(finding: Finding) -> tuple[str, str]:
    """The path with the index of the file's own list, and the name of the session."""
    index = INDEX.match(finding.path)
    if index is None:
        return finding.path, ""
    number, project = int(index[1]), finding.project
    entry = project.entries[number] if number < len(project.entries) else number
    return f"sessions[{entry}]{finding.path[index.end() :]}", project.sessions[number].name
