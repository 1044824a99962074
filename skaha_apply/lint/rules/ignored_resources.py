"""Resources that a kind of session does not take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, sessions
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.session import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project

IGNORING = frozenset({Kind.DESKTOP, Kind.FIREFLY})  # their launch-*.yaml have constants


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Their templates hold constants [launch-desktop.yaml, launch-firefly.yaml]."""
    for project, path, spec in sessions(projects):
        if spec.kind not in IGNORING:
            continue
        for name in ("cores", "ram"):
            if getattr(spec, name) is not None:
                detail = "The server gives it 1 core at most, and 4 GB. Leave it out."
                summary = f"a {spec.kind} session ignores {name}"
                yield RuleDiagnostic(project, f"{path}.{name}", summary, detail, also=(f"{path}.kind",))


RULE = Rule(
    id="ignored-resources",
    severity=Severity.WARNING,
    title="`cores` or `ram` of a kind that has its own.",
    why="Desktop and firefly sessions have fixed small resources and ignore what is asked for.",
    bad="""
- name: desk
  kind: desktop
  image: images.canfar.net/skaha/astroml:24.07
  cores: 8
  ram: 32
""",
    good="""
- name: desk
  kind: desktop
  image: images.canfar.net/skaha/astroml:24.07
""",
    check=check,
)
