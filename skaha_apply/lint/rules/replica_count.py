"""More replicas than can be handled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, sessions
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project

LIMIT = 200_000


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """All replicas of the call are counted; the first session that is too much is named."""
    count = 0
    for project, path, spec in sessions(projects):
        count += spec.replicas
        if count > LIMIT:
            detail = f"At most {LIMIT:,} can be planned in one call. Let each replica do more of the work."
            yield RuleDiagnostic(project, f"{path}.replicas", f"more than {LIMIT:,} replicas", detail)
            return


RULE = Rule(
    id="replica-count",
    severity=Severity.ERROR,
    title="More than 200,000 replicas in one call.",
    why=("Plans of more than 200,000 sessions would take longer than the sessions; most likely a number was mistyped."),
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 100000
  pilot: 1
  cmd: python
  retries: 2
- name: second
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 100000
  pilot: 1
  cmd: python
  retries: 2
- name: third
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 100000
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
