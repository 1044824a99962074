"""Environment variables that the platform or skaha-apply sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic
from skaha_apply.lint.suspects import variable_suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project

# They come last in launch-headless.yaml, and of repeated names the last one wins.
PLATFORM = frozenset({"HOME", "PWD", "OMP_NUM_THREADS", "skaha_hostname", "skaha_username", "skaha_sessionid"})
OF_THE_TOOL = frozenset({"REPLICA_ID", "REPLICA_COUNT"})
PREFIX = "SKAHA_APPLY_"


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Names are compared in the exact case in which they are set."""
    for project, path, name, _ in variable_suspects(projects, _is_reserved):
        if name in PLATFORM:
            summary = f"the platform sets {name} itself"
            detail = "The platform replaces the value without a message. Remove the variable; if the program needs the "
            detail += "value, set it in a script that starts the program."
        else:
            summary = f"{name} is set for every replica by skaha-apply"
            detail = "Remove the variable, or rename it."
        yield RuleDiagnostic(project, path, summary, detail)


def _is_reserved(name: str, _: str) -> bool:
    return name in PLATFORM or name in OF_THE_TOOL or name.startswith(PREFIX)


RULE = Rule(
    id="env-reserved",
    severity=Severity.ERROR,
    title="A variable that the platform or skaha-apply sets.",
    why=(
        "The platform sets its own variables after those of the manifest and replaces them without a message. "
        "skaha-apply sets REPLICA_ID, REPLICA_COUNT and SKAHA_APPLY_* for every replica."
    ),
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  env: {OMP_NUM_THREADS: "4"}
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  env: {MY_THREADS: "4"}
""",
    check=check,
)
