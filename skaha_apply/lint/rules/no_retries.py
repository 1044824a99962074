"""Many sessions of which none is tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.project_entries import project_entries
from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project

MANY = 20  # of so many sessions one is likely to meet a node that goes down, or a file system that hangs


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """All combinations and replicas of an entry count."""
    for project in projects:
        for entry in project_entries(project).values():
            without = [(path, spec) for path, spec in entry.members if not spec.retries and not spec.kind.interactive]
            count = sum(spec.replicas for _, spec in without)
            if count < MANY:
                continue
            path = without[0][0]
            summary = f"none of the {count:,} sessions of {shown(entry.name)} is tried again when it fails"
            detail = (
                "One that a node or a file system let down is reported as failed, and what needs it waits for you. "
            )
            detail += "Write retries: 2; a mistake in the program costs no more, for stop_after ends it."
            also = (f"{path}.retries", f"{path}.replicas")
            yield RuleDiagnostic(project, path, summary, detail, whole=True, also=also)


RULE = Rule(
    id="no-retries",
    severity=Severity.WARNING,
    title=f"{MANY} or more sessions of an entry without `retries`.",
    why="Of many sessions some fail for reasons of the cluster: a node goes down, a file system hangs, an image "
    "cannot be pulled. The server tries nothing twice; without `retries` each of them waits for somebody who "
    "looks.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 100
  cmd: python
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 100
  cmd: python
  retries: 2
""",
    check=check,
)
