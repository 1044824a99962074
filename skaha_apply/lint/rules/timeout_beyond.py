"""Timeouts that are longer than the server's own limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project

LONGEST = 1_209_600  # seconds, activeDeadlineSeconds of headless jobs [launch-headless.yaml]


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """The deadline of the job counts from its start, as the timeout does."""
    for project, path, spec in suspects(projects, lambda spec: (spec.timeout or 0) > LONGEST, "timeout"):
        if not spec.kind.interactive:
            detail = "The server ends a headless session 14 days after its start, and the attempt counts as failed. "
            detail += "Write 14d or less, or split the work into smaller shares."
            also = (f"{path}.kind",)
            yield RuleDiagnostic(project, f"{path}.timeout", "the timeout is longer than 14 days", detail, also=also)


RULE = Rule(
    id="timeout-beyond",
    severity=Severity.WARNING,
    title="A `timeout` of more than 14 days, the limit of a headless session.",
    why="The server by default ends a headless session 14 days after its start, whatever the manifest states. Results "
    "that the program has not written by then are lost.",
    bad="""
- name: simulate
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  timeout: 30d
""",
    good="""
- name: simulate
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  timeout: 10d
""",
    check=check,
)
