"""Limits that have no effect because another limit is lower."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.project_entries import project_entries
from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from skaha_apply.lint.project_entries import ProjectEntry
    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """A line that several entries share (defaults, anchors) is useful if it has an effect in one of them."""
    for project in projects:
        most = project.max_active
        if most.project is not None and most.account is not None and most.project > most.account:
            detail = "The sessions of the project count for the account too, so the limit of the project has no "
            detail += "effect. Write a project limit that is at most the account limit."
            summary = f"max_active of the project, {most.project}, is more than that of the account, {most.account}"
            yield RuleDiagnostic(project, "max_active", summary, detail)
        if not any(suspects([project], _is_idle, "pilot", "retries", "stop_after")):
            continue
        known = project_entries(project).values()
        idle = [found for entry in known for found in _idle(entry)]
        if not idle:
            continue
        shared = {id(entry) for entry, _, _, _ in idle}
        of_use = {
            project.location(f"{entry.members[0][0]}.{name}")
            for entry in known
            if entry.members and id(entry) not in shared
            for name in ("pilot", "retries", "stop_after")
        }
        for entry, name, summary, detail in idle:
            path = f"{entry.members[0][0]}.{name}"
            if project.location(path) not in of_use:
                yield RuleDiagnostic(project, path, summary, detail, whole=True, also=_also(entry.members[0][0]))


def _is_idle(spec: SessionSpec) -> bool:
    return spec.pilot is not None or spec.retries >= spec.stop_after


def _idle(entry: ProjectEntry) -> Iterator[tuple[ProjectEntry, str, str, str]]:
    if not entry.members or entry.members[0][1].kind.interactive:
        return
    spec = entry.members[0][1]
    if spec.pilot is not None and spec.pilot >= entry.replicas:
        summary = f"the pilot of {shown(entry.name)} is the whole entry: {spec.pilot} of {entry.replicas} sessions"
        yield (
            entry,
            "pilot",
            summary,
            "No session is left to start after the pilot. Write a lower number, or remove pilot.",
        )
    if spec.retries >= spec.stop_after:
        summary = f"{spec.retries} retries, but stop_after stops the entry after {spec.stop_after} failures in a row"
        detail = f"A session that keeps failing gets fewer retries. Write stop_after: {spec.retries + 1} or more, or "
        detail += "fewer retries."
        yield entry, "retries", summary, detail


def _also(path: str) -> tuple[str, ...]:
    return tuple(f"{path}.{name}" for name in ("pilot", "retries", "stop_after", "replicas", "kind"))


RULE = Rule(
    id="idle-cap",
    severity=Severity.WARNING,
    title="A limit that is never reached, because another one is lower.",
    why="If two limits apply, only the lower one has an effect. A project never reaches a `max_active` above the "
    "`max_active` of the account. A session never gets more retries than `stop_after` allows failures. A `pilot` as "
    "large as the entry has no effect.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 4
  pilot: 4
  cmd: python
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 4
  pilot: 1
  cmd: python
""",
    check=check,
)
