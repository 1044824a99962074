"""Comments that switch nothing off."""

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
    """What is unused shows only when all rules have been run; see `unused`."""
    return ()


def unknown(projects: Sequence[Project]) -> set[str]:
    """What comments name and is no rule."""
    return {one.rule for project in projects for one in project.ignores} - known()


def unused(
    projects: Sequence[Project], judged: Collection[str], used: Collection[tuple[str, int, str]]
) -> Iterable[RuleDiagnostic]:
    """Comments about a `judged` rule that kept nothing from being found; `used` has (file, line, rule)."""
    ids = known()
    for project in projects:
        for one in project.ignores:
            if one.rule == RULE.id or one.rule not in judged or (one.location.file, one.line, one.rule) in used:
                continue
            if one.rule in ids:
                summary = f"the comment ignores {shown(one.rule)}, which finds nothing there"
                detail = f"It would hide what is wrong there later. Remove it. (It is meant for line {one.line}.)"
            else:
                near = get_close_matches(one.rule, sorted(ids), n=1)
                summary = f"the comment ignores {shown(one.rule)}, which is no rule that can be ignored"
                detail = f"Did you mean {near[0]}?" if near else "Errors of form cannot be switched off. Remove it."
            yield RuleDiagnostic(project, "", summary, detail, location=one.location)


RULE = Rule(
    id="unused-ignore",
    severity=Severity.WARNING,
    title="A comment that switches off a rule which finds nothing there.",
    why="A comment that outlived its reason, or names a rule that is misspelt, looks as if it did something, and hides "
    "the next mistake on its line.",
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
