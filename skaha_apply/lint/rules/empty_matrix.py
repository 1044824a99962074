"""Matrices without any combination, most likely because a list is empty by mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """A warning, because a list can be empty for a while. Only the planner knows the combinations of before."""
    for project in projects:
        for index, name in enumerate(project.empty):
            summary = f"the matrix of {shown(name)} has no combination"
            detail = "The entry creates no session, and its dependents do not start. If the state has sessions of it, "
            detail += "a plan that would delete them requires --force. Fill the list, or remove the entry."
            yield RuleDiagnostic(project, f"empty[{index}]", summary, detail)
        for index, name in enumerate(project.empty_lists):
            summary = f"a list of the matrix of {shown(name)} is empty; every combination comes from its include"
            detail = "If the state has sessions of other combinations, a plan requires --force. Fill the list, "
            detail += "or move the values of the include into the list."
            yield RuleDiagnostic(project, f"empty_lists[{index}]", summary, detail)


RULE = Rule(
    id="empty-matrix",
    severity=Severity.WARNING,
    title="A matrix without any combination.",
    why="A list is most likely empty because another program did not write it. The entry then has no session, and its "
    "dependents never start.",
    bad="""
- name: mosaic-${tile}
  matrix: {tile: []}
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  args: ["${tile}"]
""",
    good="""
- name: mosaic-${tile}
  matrix: {tile: [t001, t002]}
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  args: ["${tile}"]
""",
    check=check,
)
