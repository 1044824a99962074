"""More replicas than one plan can have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, sessions
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.session import MAX_REPLICAS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Counts the replicas of all projects and reports the first session above the limit."""
    if sum(spec.replicas for project in projects for spec in project.sessions) <= MAX_REPLICAS:
        return
    count = 0
    for project, path, spec in sessions(projects):
        count += spec.replicas
        if count > MAX_REPLICAS:
            most = f"{MAX_REPLICAS:,} replicas"
            detail = f"One plan can have at most {most}. Give each replica a larger share of the work."
            yield RuleDiagnostic(project, f"{path}.replicas", f"more than {most}", detail)
            return


RULE = Rule(
    id="replica-count",
    severity=Severity.ERROR,
    title=f"More than {MAX_REPLICAS:,} replicas in one plan.",
    why=f"Planning more than {MAX_REPLICAS:,} sessions takes minutes and gigabytes. Most likely a number is mistyped.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 400000
  pilot: 1
  cmd: python
  retries: 2
- name: second
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 400000
  pilot: 1
  cmd: python
  retries: 2
- name: third
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 400000
  pilot: 1
  cmd: python
  retries: 2
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 1000
  pilot: 1
  cmd: python
  retries: 2
""",
    check=check,
)
