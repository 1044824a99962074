"""Axes and columns that the sessions do not receive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.project_entries import project_entries
from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Interactive sessions are left out, because they receive only their name."""
    for project in projects:
        if not project.named_only:
            continue
        known = project_entries(project)
        for name, axes in project.named_only.items():
            entry = known.get(name.casefold())
            if entry is None or not entry.members or entry.members[0][1].kind.interactive:
                continue
            path = entry.members[0][0]
            for axis in axes:
                summary = f"{shown(axis)} is used in the name {shown(name)} only"
                detail = f"The program does not receive its value, so {_alike(len(entry.members))}. "
                detail += (
                    f'Write "${{{axis}}}" where the program expects it: args: ["${{{axis}}}"], for example, or in '
                )
                detail += "env."
                yield RuleDiagnostic(project, f"{path}.name", summary, detail, whole=True, also=(f"{path}.kind",))


def _alike(count: int) -> str:
    return (
        f"several of these {count:,} sessions do the same work" if count > 1 else "it cannot know which one to process"
    )


RULE = Rule(
    id="name-only-value",
    severity=Severity.WARNING,
    title="An axis or a column of a matrix that only the name uses.",
    why="A program receives `cmd`, `args` and `env`, not the name of its session. If only the name uses a value of a "
    "matrix, all sessions along this axis do the same work. A value that sets another key, for example `ram`, counts "
    "as used. For a table, it is enough if the program receives one column.",
    bad="""
- name: detect-${tile}
  matrix: {tile: [t0001, t0002]}
  image: images.canfar.net/skaha/astroml:24.07
  cmd: [bash, detect.sh, t0001]
""",
    good="""
- name: detect-${tile}
  matrix: {tile: [t0001, t0002]}
  image: images.canfar.net/skaha/astroml:24.07
  cmd: [bash, detect.sh, "${tile}"]
""",
    check=check,
)
