"""Combinations whose dependency has no combination with the same values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, sessions, shown
from skaha_apply.model.diagnostics import Severity
from skaha_apply.planning.entries import Entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Pairs combinations as the planner does: by the axes that both entries have, values compared as written."""
    for project in projects:
        if not any(spec.needs and spec.values for spec in project.sessions):
            continue
        known = Entries(project)
        for _, path, spec in sessions([project]):
            if not (spec.needs and spec.values):
                continue
            for name, group in known.needed(spec):
                if group is None or group.specs:
                    continue
                axes = _shared(spec, group.entry.specs)
                summary = f"{shown(name)} has no combination with {axes}, which {shown(spec.name)} needs"
                detail = "The session never starts. Values are compared as they are written. Add the value to the "
                detail += f"matrix of {shown(name)}, or remove it here."
                yield RuleDiagnostic(project, f"{path}.needs[{spec.needs.index(name)}]", summary, detail)


def _shared(spec: SessionSpec, others: Sequence[SessionSpec]) -> str:
    axes = {axis for other in others for axis in other.values}
    return ", ".join(f"{axis} = {shown(value, 30)}" for axis, value in spec.values.items() if axis in axes)


RULE = Rule(
    id="needs-partner",
    severity=Severity.WARNING,
    title="A combination whose dependency has no combination with the same values.",
    why="Where two entries have the same axis, a session waits for those sessions of the other entry that have its own "
    "value. If there is none, the session is blocked.",
    bad="""
- name: reduce-${tile}
  matrix: {tile: [t001]}
  image: images.canfar.net/skaha/astroml:24.07
  cmd: [bash, reduce.sh, "${tile}"]
- name: mosaic-${tile}
  matrix: {tile: [t001, t002]}
  needs: ["reduce-${tile}"]
  image: images.canfar.net/skaha/astroml:24.07
  cmd: [bash, mosaic.sh, "${tile}"]
""",
    good="""
- name: reduce-${tile}
  matrix: {tile: [t001, t002]}
  image: images.canfar.net/skaha/astroml:24.07
  cmd: [bash, reduce.sh, "${tile}"]
- name: mosaic-${tile}
  matrix: {tile: [t001, t002]}
  needs: ["reduce-${tile}"]
  image: images.canfar.net/skaha/astroml:24.07
  cmd: [bash, mosaic.sh, "${tile}"]
""",
    check=check,
)
