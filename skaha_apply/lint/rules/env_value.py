"""Environment variables that the server drops or cuts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.lint.suspects import variable_suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """The server splits each `env` with Java's `split("=")` [PostAction.getHeadlessImageBundle]."""
    for project, path, name, value in variable_suspects(projects, lambda _, value: not value or "=" in value):
        if not value:
            summary = f"the variable {name} is empty"
            detail = "The server drops the variable without a message. Remove it, or write a value that your program "
            detail += "reads as empty."
        else:
            effect = "cuts the value there" if "=" not in value.rstrip("=") else "drops the variable without a message"
            summary = f"the variable {name} has `=` in its value {shown(value)}"
            detail = f"The server splits at `=` and {effect}. Pass the value as an argument, in a file, or encoded "
            detail += "without `=`."
        yield RuleDiagnostic(project, path, summary, detail)


RULE = Rule(
    id="env-value",
    severity=Severity.ERROR,
    title="A variable that is empty, or has `=` in its value.",
    why=(
        "The server splits a variable at `=` and keeps it only if there are exactly two parts. It drops a "
        "variable with an empty value or with `=` in its value without a message, and cuts `=` at the end."
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
