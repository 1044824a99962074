"""Keys that are of no use in a session of that kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, sessions
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.spec import SessionSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from skaha_apply.model.project import Project

HEADLESS = ("pilot", "stop_after", "retries", "retry_wait", "timeout", "pending_timeout", "rerun", "vanished")
DEFAULTS = {name: SessionSpec.model_fields[name].default for name in (*HEADLESS, "renew")}


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """What stands in one line for several sessions (defaults, anchors) is of use when any of them takes it."""
    for project in projects:
        useless = [found for _, path, spec in sessions([project]) for found in _useless(path, spec)]
        if not useless:
            continue
        names = {name for _, name, _, _ in useless}
        of_use = {
            project.location(f"{path}.{name}")
            for _, path, spec in sessions([project])
            for name in names
            if _takes(spec, name) and getattr(spec, name) != DEFAULTS[name]
        }
        for path, name, summary, detail in useless:
            if project.location(f"{path}.{name}") not in of_use:
                yield RuleDiagnostic(project, f"{path}.{name}", summary, detail, also=(f"{path}.kind",))


def _takes(spec: SessionSpec, name: str) -> bool:
    if name == "retry_wait" and not spec.retries:
        return False
    return spec.kind.interactive is (name == "renew")


def _useless(path: str, spec: SessionSpec) -> Iterator[tuple[str, str, str, str]]:
    for name, default in DEFAULTS.items():
        if getattr(spec, name) == default or _takes(spec, name):
            continue
        if name == "renew":
            detail = "It has 14 days from its start, and the server leaves that as it is. Leave renew out."
            yield path, name, "a headless session cannot be renewed", detail
        elif spec.kind.interactive:
            detail = f"It is kept alive: when it has ended it is created again. Leave {name} out, or move it to the "
            detail += "headless sessions."
            yield path, name, f"a {spec.kind} session has no use for {name}", detail
        else:
            yield path, name, "retry_wait without retries", "Nothing is tried again. Write retries: 2, or leave it out."


RULE = Rule(
    id="ignored-key",
    severity=Severity.WARNING,
    title="A key that is of no use in this kind of session.",
    why="Interactive sessions are kept alive and are never done, so nothing of them is retried, run again or timed; "
    "headless ones run to their end, and the server does not prolong them.",
    bad="""
- name: desk
  kind: notebook
  image: images.canfar.net/skaha/astroml:24.07
  retries: 2
""",
    good="""
- name: desk
  kind: notebook
  image: images.canfar.net/skaha/astroml:24.07
  renew: 2d
""",
    check=check,
)
