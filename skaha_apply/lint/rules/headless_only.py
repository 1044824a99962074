"""Programs for sessions that run none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Finding, Rule, sessions
from skaha_apply.model.place import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.spec import Project


def check(projects: Sequence[Project]) -> Iterable[Finding]:
    """Only headless sessions get them [PostAction.getHeadlessImageBundle]."""
    for project, path, spec in sessions(projects):
        if not spec.kind.interactive:
            continue
        given = {"cmd": spec.cmd is not None, "args": bool(spec.args), "env": bool(spec.env)}
        for name in (name for name, present in given.items() if present):
            detail = f"The server ignores it in silence. Leave it out, or write kind: headless. (If {name} comes from "
            detail += "defaults, move it to the headless sessions.)"
            summary = f"a {spec.kind} session takes no {name}"
            yield Finding(project, f"{path}.{name}", summary, detail, also=(f"{path}.kind",))


RULE = Rule(
    id="headless-only",
    severity=Severity.ERROR,
    title="`cmd`, `args` or `env` of an interactive kind.",
    why=(
        "The server takes `cmd`, `args` and `env` of headless sessions only and ignores them in silence for all others."
    ),
    bad="""
- name: desk
  kind: notebook
  image: images.canfar.net/skaha/astroml:24.07
  env: {BAND: r}
""",
    good="""
- name: desk
  kind: notebook
  image: images.canfar.net/skaha/astroml:24.07
""",
    check=check,
)
