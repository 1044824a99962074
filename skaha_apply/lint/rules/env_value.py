"""Environment variables that the server drops or cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, environment, shown
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Each `env` is Java-split at `=` [PostAction.getHeadlessImageBundle]."""
    for project, path, name, value in environment(projects):
        if not value:
            summary = f"the variable {name} is empty"
            detail = "The server drops it in silence. Leave it out, or give it a value that your program takes for "
            detail += "none."
        elif "=" in value:
            lost = "cuts it there" if "=" not in value.rstrip("=") else "drops the variable in silence"
            summary = f"the variable {name} has `=` in its value {shown(value)}"
            detail = f"The server splits at `=` and {lost}. Pass it as an argument, in a file, or encoded without "
            detail += "`=`."
        else:
            continue
        yield RuleDiagnostic(project, path, summary, detail)


RULE = Rule(
    id="env-value",
    severity=Severity.ERROR,
    title="A variable that is empty, or has `=` in its value.",
    why=(
        "The server keeps a variable only if splitting it at `=` gives exactly two parts: an empty value, and"
        " one with `=` in it, are dropped in silence, and `=` at the end is lost."
    ),
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  env: {QUERY: "band=r"}
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  env: {QUERY: "band:r"}
""",
    check=check,
)
