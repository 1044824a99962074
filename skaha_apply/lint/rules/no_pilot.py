"""Large entries without a limit for the number of sessions that start at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.project_entries import entry_specs
from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project

MOST = 100  # sessions of an entry that can be created before the first one ends without a warning


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """All combinations and replicas of an entry count; a limit of any of its combinations holds for the entry."""
    for project in projects:
        if project.max_active.project is not None or project.max_active.account is not None:
            continue
        for members in entry_specs(project).values():
            specs = [spec for spec in members if not spec.kind.interactive]
            count = sum([spec.replicas for spec in specs])
            limits = {spec.pilot for spec in specs} | {spec.parallelism for spec in specs}
            if count <= MOST or limits != {None}:
                continue
            first = members[0]
            path = f"sessions[{next(index for index, spec in enumerate(project.sessions) if spec is first)}]"
            summary = f"all {count:,} sessions of {shown(first.group or first.name)} are created at once"
            detail = (
                "A mistake in the program makes each of them fail, because stop_after acts only after sessions have "
            )
            detail += "ended. Write pilot: 1, so that the others start after the first one has succeeded. Or write "
            detail += "parallelism: 50."
            also = tuple(f"{path}.{name}" for name in ("replicas", "pilot", "parallelism"))
            yield RuleDiagnostic(project, path, summary, detail, whole=True, also=also)


RULE = Rule(
    id="no-pilot",
    severity=Severity.WARNING,
    title=f"More than {MOST} sessions of an entry without `pilot`, `parallelism` and `max_active`.",
    why="`stop_after` stops an entry after several sessions have failed in a row. If all sessions are created at once, "
    "all of them run before it can act. `pilot: 1` starts one session first. `parallelism` or `max_active` limit how "
    "many are active at once.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 101
  cmd: python
  retries: 2
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 101
  pilot: 1
  cmd: python
  retries: 2
""",
    check=check,
)
