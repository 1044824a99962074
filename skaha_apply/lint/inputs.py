"""The input of the rules: the texts as they are sent. Also removes secrets from what the rules report.

A sensitive value is checked but never shown. A field that depends on a variable without a value is not checked.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.lint.rule import sessions, texts
from skaha_apply.model.masking.secrets import masked
from skaha_apply.model.spec import LATER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.lint.rule import Rule, RuleDiagnostic
    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec

TEXT = re.compile(r"sessions\[([0-9]+)\]\.(?:(cmd)|args\[([0-9]+)\]|env\.(.*))", re.DOTALL)
FIRST = 1  # the replica ID with which rules check texts


@dataclass(frozen=True)
class LintContext:
    """A project as it is `written`, and `filled` as it is sent for the first replica of each session."""

    written: Project
    filled: Project

    @property
    def distinct(self) -> tuple[Project, ...]:
        """Both projects, or one if they are the same."""
        return (self.written,) if self.filled is self.written else (self.written, self.filled)

    def depends_on_unknown_value(self, diagnostic: RuleDiagnostic) -> bool:
        """Whether a diagnostic is about a value that is not known yet."""
        unknown = self.written.unknown
        if unknown and any(_within(path, unknown) for path in (diagnostic.path, *diagnostic.also)):
            return True
        return bool(self.written.withheld) and LATER.search(_text(self.filled, diagnostic.path)) is not None

    def lines_with_unknown_values(self) -> set[tuple[str, int]]:
        """File and line of every value that depends on a variable without a value."""
        if not self.written.ignores:
            return set()
        paths = set(self.written.unknown)
        if self.written.withheld:
            for _, path, spec in sessions([self.filled]):
                paths.update(f"{path}.{part}" for part, _, text in texts(spec) if LATER.search(text))
        locations = [self.written.location(path) for path in paths]
        return {(location.file, location.line) for location in locations if location is not None}

    def without_secrets(self, diagnostic: RuleDiagnostic, rule: Rule) -> RuleDiagnostic:
        """The diagnostic without sensitive values. For a text that contains one, only the rule is described."""
        secrets = self.written.secrets
        if not secrets:
            return diagnostic
        names = [found[2] for found in LATER.finditer(_text(self.written, diagnostic.path)) if found[2] in secrets]
        if not names:
            summary, detail = masked(diagnostic.summary, secrets), masked(diagnostic.detail, secrets)
            return replace(diagnostic, summary=summary, detail=detail)
        names_shown = " and ".join(f"`${{var.{name}}}`" for name in dict.fromkeys(names))
        title = rule.title.rstrip(".")
        summary = f"with the value of {names_shown}: {title[0].lower() + title[1:]}"
        detail = f"{rule.why} (Sensitive values are not shown.)"
        return replace(diagnostic, summary=summary, detail=detail)


def lint_contexts(projects: Sequence[Project]) -> tuple[LintContext, ...]:
    """Each project, also with the values filled in that are known only when a session is created."""
    return tuple(LintContext(project, _filled(project)) for project in projects)


def _filled(project: Project) -> Project:
    if not any("${" in text for text in project.sent_texts):
        return project
    filled = tuple(spec.filled(FIRST, project.secrets) for spec in project.sessions)
    if all(one is other for one, other in zip(filled, project.sessions, strict=True)):
        return project
    return replace(project, sessions=filled)


def _within(path: str, unknown: frozenset[str]) -> bool:
    """Whether a path, or one of its parents, is in `unknown`."""
    while path:
        if path in unknown:
            return True
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return False


def _text(project: Project, path: str) -> str:
    """The text of `cmd`, of an argument or of a variable; "" for any other path."""
    found = TEXT.fullmatch(path)
    if found is None:
        return ""
    spec: SessionSpec = project.sessions[int(found[1])]
    if found[2]:
        return spec.cmd or ""
    return spec.args[int(found[3])] if found[3] else spec.env[found[4]]
