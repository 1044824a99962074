"""Empty arguments at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Splitting drops empty arguments at the end; a single empty argument is kept [PostAction]."""
    for project, path, spec in suspects(projects, lambda spec: spec.args and not spec.args[-1], "args"):
        if len(spec.args) > 1:
            detail = (
                "The server drops empty arguments at the end, so the program does not receive this one. Remove it, or "
            )
            detail += "write an argument that is not empty after it."
            yield RuleDiagnostic(project, f"{path}.args[{len(spec.args) - 1}]", "the last argument is empty", detail)


RULE = Rule(
    id="arg-empty",
    severity=Severity.ERROR,
    title="An empty argument at the end.",
    why="The server joins all arguments and splits the result at its spaces. This drops empty arguments at the end.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  args: [/arc/projects/survey/reduce.py, --suffix, ""]
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  args: [/arc/projects/survey/reduce.py, --suffix=]
""",
    check=check,
)
