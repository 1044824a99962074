"""Names of environment variables that cannot be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Finding, Rule, environment, shown
from skaha_apply.model.place import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.spec import Project

NAME = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*")


def check(projects: Sequence[Project]) -> Iterable[Finding]:
    """Names as Kubernetes takes them."""
    for project, path, name, _ in environment(projects):
        if not NAME.fullmatch(name):
            near = re.sub(r"[^A-Za-z0-9_]", "_", name)
            near = near if near[:1].isalpha() or near[:1] == "_" else f"_{near}"
            detail = f"The server answers 500. Write {near}, for example."
            summary = f"{shown(name)} is no name for an environment variable"
            yield Finding(project, path, summary, detail)


RULE = Rule(
    id="env-name",
    severity=Severity.ERROR,
    title="A name that no environment variable can have.",
    why=(
        "Kubernetes refuses a variable whose name has other characters than letters, digits, `_`, `-` and "
        "`.`, or begins with a digit; the server answers 500 then."
    ),
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  env: {2MASS: "1"}
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  env: {USE_2MASS: "1"}
""",
    check=check,
)
