"""Names of environment variables that Kubernetes refuses or the server changes."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.lint.suspects import variable_suspects
from skaha_apply.lint.yaml_words import boolean, is_plain
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project

NAME = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*")
DOTS = (".", "..")  # Kubernetes refuses the first as a whole name, and the second also at the start of a name


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """A name must be valid in Kubernetes, and text in YAML without quotes [SessionJobBuilder]."""
    for project, path, name, _ in variable_suspects(projects, lambda name, _: _problem(name)):
        if (problem := _problem(name)) is not None:
            summary, happens = problem
            yield RuleDiagnostic(project, path, summary, f"{happens} Write {_near(name)}, for example.")


@lru_cache
def _problem(name: str) -> tuple[str, str] | None:
    """What is wrong with a name, and what happens; None for a valid name."""
    if not NAME.fullmatch(name) or name == DOTS[0] or name.startswith(DOTS[1]):
        summary = f"{shown(name)} is not a valid name for an environment variable"
        return summary, "The server responds with 500 at each attempt, or renames the variable."
    if name == "-" or not is_plain(name):
        return f"the variable {shown(name)} has a name that YAML does not read as text", _happens(name)
    return None


def _happens(name: str) -> str:
    if renamed := boolean(name):
        return f"The server writes the name without quotes, so the variable is called `{renamed}`."
    return (
        "The server writes the name without quotes, so it responds with 500 at each attempt, or renames the variable."
    )


def _near(name: str) -> str:
    near = re.sub(r"[^A-Za-z0-9_]", "_", name)
    near = near if near[:1].isalpha() or near[:1] == "_" else f"_{near}"
    return near if is_plain(near) else f"{near}_VALUE"


RULE = Rule(
    id="env-name",
    severity=Severity.ERROR,
    title="A name of an environment variable that is not valid, or that YAML does not read as text.",
    why="Kubernetes refuses a variable whose name has other characters than letters, digits, `_`, `-` and `.`, or "
    "begins with a digit; the server then responds with 500. The server also writes names into a YAML text without "
    "quotes, in any case of letters: `yes`, `on` and `true` become a variable named `true`; `no`, `off` and `false` "
    "become one named `false`; `y`, `n` and `null` give 500; numbers are rewritten.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  env: {2MASS: "1", NO: "2"}
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  env: {USE_2MASS: "1", NUMBER: "2"}
""",
    check=check,
)
