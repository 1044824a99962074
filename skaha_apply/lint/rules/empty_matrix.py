"""Lists without a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """A list may be empty for a while, so this is no error; the planner knows whether anything was there before."""
    for project in projects:
        for index, name in enumerate(project.empty):
            summary = f"the matrix of {shown(name)} holds no combination"
            detail = (
                "No session is made of it, and what needs it does not start. Where sessions of it are known, a plan "
            )
            detail += "that would delete them is not applied without --force. Fill the list, or remove the entry."
            yield RuleDiagnostic(project, f"empty[{index}]", summary, detail)
        for index, name in enumerate(project.empty_lists):
            summary = f"a list of the matrix of {shown(name)} is empty; every combination comes from its include"
            detail = (
                "If sessions of other combinations are known, a plan is not applied without --force. Fill the list, "
            )
            detail += "or make the include the list."
            yield RuleDiagnostic(project, f"empty_lists[{index}]", summary, detail)


RULE = Rule(
    id="empty-matrix",
    severity=Severity.WARNING,
    title="A matrix without any combination.",
    why="A list that became empty is most likely one that was not written, or not found where it should be. It stands "
    "for no session at all, and what needs it would wait for ever.",
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
