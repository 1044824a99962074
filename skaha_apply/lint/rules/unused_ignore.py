"""Comments that switch off a rule without need."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from skaha_apply.model.project import Project


def known() -> frozenset[str]:
    """The ids of all rules."""
    from skaha_apply.lint.rules import RULES  # noqa: PLC0415 - this rule is one of them

    return frozenset(rule.id for rule in RULES)


def check(_: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Nothing: unused comments are known only after all rules have run; see `unused`."""
    return ()


def unknown(projects: Sequence[Project]) -> set[str]:
    """Names in comments that are not rules."""
    return {one.rule for project in projects for one in project.ignores} - known()


def unused(
    projects: Sequence[Project], checked: Collection[str], used: Collection[tuple[str, int, str]]
) -> Iterable[RuleDiagnostic]:
    """Comments about a rule that was `checked`, without a diagnostic to suppress; `used` has (file, line, rule)."""
    ids = known()
    for project in projects:
        for one in project.ignores:
            if one.rule == RULE.id or one.rule not in checked or (one.location.file, one.line, one.rule) in used:
                continue
            if one.rule in ids:
                summary = f"the comment ignores {shown(one.rule)}, which reports nothing there"
                detail = f"It would hide a later mistake. Remove the comment. (It applies to line {one.line}.)"
            else:
                near = get_close_matches(one.rule, sorted(ids), n=1)
                summary = f"the comment ignores {shown(one.rule)}, which is not a rule"
                detail = (
                    f"Did you mean {near[0]}?" if near else "Syntax errors cannot be switched off. Remove the comment."
                )
            yield RuleDiagnostic(project, "", summary, detail, location=one.location)


RULE = Rule(
    id="unused-ignore",
    severity=Severity.WARNING,
    title="A comment that switches off a rule which reports nothing there.",
    why="A comment that is not needed, or that names a misspelled rule, looks as if it had an effect. It can hide a "
    "later mistake on its line.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  args: [reduce.py]  # skaha-apply: ignore[arg-space]
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  args: [reduce.py]
""",
    check=check,
)
