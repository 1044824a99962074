"""Projects whose names differ by their case only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Most likely one project is meant. On some file systems, both would also share one state file."""
    known: dict[str, Project] = {}
    for project in projects:
        other = known.setdefault(project.name.casefold(), project)
        if other is not project:
            summary = f"the projects {shown(other.name)} and {shown(project.name)} differ by case only"
            detail = f"If they are one project, write project: {other.name} in both. Otherwise rename one of them."
            yield RuleDiagnostic(project, "", summary, detail)


RULE = Rule(
    id="project-case",
    severity=Severity.ERROR,
    title="Projects whose names differ by case only.",
    why="Two spellings of one project would be two projects with two states. On a file system that ignores case, both "
    "states would be one file. (This page cannot show an example, because it has one file: write `Survey` in one file "
    "and `survey` in another.)",
    bad="",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
""",
    check=check,
)
