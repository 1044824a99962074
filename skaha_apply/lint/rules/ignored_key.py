"""Keys that have no effect in a session of that kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, sessions
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.spec import SessionSpec, default_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from skaha_apply.model.project import Project

HEADLESS = (
    "pilot",
    "stop_after",
    "retries",
    "retry_wait",
    "retry_ram",
    "timeout",
    "pending_timeout",
    "rerun",
    "vanished",
)
OF_RETRIES = ("retry_wait", "retry_ram")
DEFAULTS = {name: default_values(SessionSpec)[name] for name in (*HEADLESS, "renew")}


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """A line that several sessions share (defaults, anchors) is useful if it has an effect in one of them."""
    for project in projects:
        given = suspects([project], lambda spec: any(_useless("", spec)), "kind", *DEFAULTS)
        useless = [found for _, path, spec in given for found in _useless(path, spec)]
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
    if name in OF_RETRIES and not spec.retries:
        return False
    return spec.kind.interactive is (name == "renew")


def _useless(path: str, spec: SessionSpec) -> Iterator[tuple[str, str, str, str]]:
    for name, default in DEFAULTS.items():
        if getattr(spec, name) == default or _takes(spec, name):
            continue
        if name == "renew":
            detail = "The server ends it 14 days after its start and never extends that time. Remove renew."
            yield path, name, "a headless session cannot be renewed", detail
        elif spec.kind.interactive:
            detail = f"The tool creates it again after it has ended. Remove {name}, or move it to the headless "
            detail += "sessions."
            yield path, name, f"{name} has no effect in a {spec.kind} session", detail
        else:
            yield path, name, f"{name} without retries", f"There is no retry. Write retries: 2, or remove {name}."


RULE = Rule(
    id="ignored-key",
    severity=Severity.WARNING,
    title="A key that has no effect in this kind of session.",
    why="Interactive sessions are never done: the tool creates them again after they have ended. Keys for retries, "
    "reruns and timeouts have no effect there. Headless sessions run to their end, and the server does not renew them.",
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
