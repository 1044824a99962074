"""More interactive sessions than an account may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Finding, Rule, sessions
from skaha_apply.model.place import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.spec import Project

LIMIT = 5  # maxCount of the chart [PostAction]


def check(projects: Sequence[Project]) -> Iterable[Finding]:
    """All interactive replicas of the call are counted; the first session that is too much is named."""
    count = 0
    for project, path, spec in sessions(projects):
        if not spec.kind.interactive:
            continue
        count += spec.replicas
        if count > LIMIT:
            detail = f"The server refuses more than {LIMIT}, unless it is configured otherwise; the others wait."
            yield Finding(project, f"{path}.replicas", f"these are {count} interactive sessions", detail)
            return


RULE = Rule(
    id="interactive-limit",
    severity=Severity.WARNING,
    title="More interactive sessions than the stock limit of 5.",
    why=(
        "An account may have 5 pending or running interactive sessions (the chart's default); more are "
        "refused until one ends."
    ),
    bad="""
- name: desk
  image: images.canfar.net/skaha/astroml:24.07
  kind: notebook
  replicas: 6
""",
    good="""
- name: desk
  image: images.canfar.net/skaha/astroml:24.07
  kind: notebook
  replicas: 2
""",
    check=check,
)
