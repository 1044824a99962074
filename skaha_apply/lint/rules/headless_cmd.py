"""Headless sessions without a program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """A headless session runs a program to its end, so it requires one."""
    for project, path, spec in suspects(projects, lambda spec: spec.cmd is None, "cmd"):
        if not spec.kind.interactive:
            detail = "The start command of the image runs. Write cmd: python, for example, or another kind."
            summary = f"the headless session {shown(spec.name)} has no cmd"
            yield RuleDiagnostic(project, path, summary, detail, also=(f"{path}.cmd", f"{path}.kind"))


RULE = Rule(
    id="headless-cmd",
    severity=Severity.WARNING,
    title="A headless session without `cmd`.",
    why=(
        "Without `cmd` the start command of the image runs. In most images of the platform this is an "
        "interactive tool that never ends."
    ),
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  args: [--help]
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  args: [--help]
""",
    check=check,
)
