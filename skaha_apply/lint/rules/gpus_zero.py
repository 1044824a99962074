"""An explicit 0 for GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic
from skaha_apply.lint.source import has_reference, written
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """The value must be among the options [PostAction]."""
    for project, path, _ in suspects(projects, lambda spec: spec.gpus == 0, "gpus"):
        text = written(project, f"{path}.gpus", "0")
        detail = "The server responds with 400 `Invalid value for 'gpus': 0`. "
        detail += f"Leave the cell of {text} empty." if has_reference(text) else "Remove gpus."
        yield RuleDiagnostic(project, f"{path}.gpus", "gpus is 0", detail)


RULE = Rule(
    id="gpus-zero",
    severity=Severity.ERROR,
    title="`gpus: 0`.",
    why="The server's options begin at 1, so the server refuses 0. Without `gpus` a session has no GPU.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  gpus: 0
  cmd: python
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
""",
    check=check,
)
