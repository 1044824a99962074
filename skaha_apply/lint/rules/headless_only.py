"""`cmd`, `args` or `env` of interactive sessions, which the server ignores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, sessions
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.spec import field_roles

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Only headless sessions receive them [PostAction.getHeadlessImageBundle].

    A line that several sessions share (defaults, anchors) is meant for the headless ones.
    """
    for project in projects:
        interactive = suspects([project], lambda spec: spec.kind.interactive, "kind")
        found = [(path, spec) for _, path, spec in interactive if _given(spec)]
        if not found:
            continue
        headless_locations = {
            project.location(f"{path}.{name}")
            for _, path, spec in sessions([project])
            if not spec.kind.interactive
            for name in _given(spec)
        }
        for path, spec in found:
            for name in _given(spec):
                location = project.location(f"{path}.{name}")
                if location is None or location not in headless_locations:
                    detail = f"The server ignores {name} without a message. Remove it, or write kind: headless."
                    summary = f"a {spec.kind} session does not use {name}"
                    yield RuleDiagnostic(project, f"{path}.{name}", summary, detail, also=(f"{path}.kind",))


def _given(spec: SessionSpec) -> list[str]:
    roles = field_roles(type(spec)).values()
    sent = [role for role in roles if role.parameter and role.parameter.headless_only]
    return [role.name for role in sent if getattr(spec, role.name) != role.default]


RULE = Rule(
    id="headless-only",
    severity=Severity.ERROR,
    title="`cmd`, `args` or `env` of an interactive kind.",
    why=(
        "The server uses `cmd`, `args` and `env` of headless sessions only. For other kinds it ignores them without a "
        "message."
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
