"""One of cores and ram without the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, sessions
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Fixed or flexible is decided by memory alone [PostAction.ResourceSpecification]."""
    for project, path, spec in sessions(projects):
        if spec.ram is not None and spec.cores is None:
            detail = "The session has fixed resources then, with 1 core. Write cores: 1, or what you need."
            yield RuleDiagnostic(project, f"{path}.ram", "ram is given without cores", detail, also=(f"{path}.cores",))
        elif spec.cores is not None and spec.ram is None:
            detail = "The session stays flexible, with what the cluster has to spare. Write ram: too, or neither."
            yield RuleDiagnostic(project, f"{path}.cores", "cores is given without ram", detail, also=(f"{path}.ram",))


RULE = Rule(
    id="half-fixed",
    severity=Severity.WARNING,
    title="`cores` without `ram`, or `ram` without `cores`.",
    why=(
        "The server decides by `ram` alone whether a session has fixed resources: `ram` alone gives fixed "
        "ones with 1 core, `cores` alone leaves it flexible."
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
