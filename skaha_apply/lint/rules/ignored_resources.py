"""Resources of kinds whose resources are constants of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.session import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project

IGNORING = frozenset({Kind.DESKTOP, Kind.FIREFLY})  # their launch-*.yaml have constants


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """The templates of these kinds have constants [launch-desktop.yaml, launch-firefly.yaml]."""
    for project, path, spec in suspects(projects, lambda spec: spec.kind in IGNORING, "kind"):
        for name in ("cores", "ram"):
            if getattr(spec, name) is not None:
                detail = f"The server gives it at most 1 core and 4 GB. Remove {name}."
                summary = f"a {spec.kind} session ignores {name}"
                yield RuleDiagnostic(project, f"{path}.{name}", summary, detail, also=(f"{path}.kind",))


RULE = Rule(
    id="ignored-resources",
    severity=Severity.WARNING,
    title="`cores` or `ram` of a kind with fixed resources.",
    why="The server gives desktop and firefly sessions small, constant resources and ignores the requested ones.",
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
