"""Large entries without retries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.project_entries import project_entries
from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project

MANY = 20  # sessions; among them, one failure for reasons of the cluster is likely


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """All combinations and replicas of an entry count."""
    for project in projects:
        if not any(suspects([project], lambda spec: not spec.retries and not spec.kind.interactive, "retries", "kind")):
            continue
        for entry in project_entries(project).values():
            without = [(path, spec) for path, spec in entry.members if not spec.retries and not spec.kind.interactive]
            count = sum(spec.replicas for _, spec in without)
            if count < MANY:
                continue
            path = without[0][0]
            summary = f"none of the {count:,} sessions of {shown(entry.name)} is retried after a failure"
            detail = "If a node or a file system fails, the session stays failed, and its dependents are blocked. "
            detail += "Write retries: 2. A mistake in the program costs no more, because stop_after stops the entry."
            also = (f"{path}.retries", f"{path}.replicas")
            yield RuleDiagnostic(project, path, summary, detail, whole=True, also=also)


RULE = Rule(
    id="no-retries",
    severity=Severity.WARNING,
    title=f"{MANY} or more sessions of an entry without `retries`.",
    why="Among many sessions, some fail for reasons of the cluster: a node stops, a file system hangs, an image cannot "
    "be pulled. The server does not retry. Without `retries`, each of these sessions stays failed until you act.",
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
