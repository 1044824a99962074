"""One of cores and ram without the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """The server decides by `ram` alone whether resources are fixed [PostAction.ResourceSpecification]."""
    for project, path, spec in suspects(projects, _is_half, "cores", "ram"):
        if spec.cores is None:
            detail = "The session then has fixed resources with 1 core. Write cores: 1, or the number that you need."
            yield RuleDiagnostic(project, f"{path}.ram", "ram is given without cores", detail, also=(f"{path}.cores",))
        else:
            detail = "The session stays flexible: its resources depend on the load of the cluster. Write ram too, or "
            detail += "remove cores."
            yield RuleDiagnostic(project, f"{path}.cores", "cores is given without ram", detail, also=(f"{path}.ram",))


def _is_half(spec: SessionSpec) -> bool:
    return (spec.cores is None) != (spec.ram is None)


RULE = Rule(
    id="half-fixed",
    severity=Severity.WARNING,
    title="`cores` without `ram`, or `ram` without `cores`.",
    why=(
        "The server decides by `ram` alone whether a session has fixed resources. With `ram` alone, the session "
        "has fixed resources and 1 core. With `cores` alone, the session stays flexible."
    ),
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cores: 8
  cmd: python
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cores: 8
  ram: 32
  cmd: python
""",
    check=check,
)
