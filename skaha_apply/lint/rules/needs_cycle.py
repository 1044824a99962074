"""Sessions that depend on each other."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from skaha_apply.lint.project_entries import projects_with_needs
from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from skaha_apply.lint.project_entries import ProjectEntry
    from skaha_apply.model.project import Project


LEAST = 2  # names in the shortest cycle: a session that needs itself
SHOWN = 8  # names of a cycle that a message lists
MOST = 10  # cycles that are reported for one project


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Removes every entry that can start in some order. The rest is in a cycle, or waits for one."""
    for project, known in projects_with_needs(projects):
        yield from islice(_of_project(project, known), MOST)


def _of_project(project: Project, known: Mapping[str, ProjectEntry]) -> Iterator[RuleDiagnostic]:
    needs = {key: {need.casefold() for _, need in entry.needs()} & known.keys() for key, entry in known.items()}
    stuck = _stuck(needs)
    for key in stuck:
        for path, need in known[key].needs():
            circle = _circle(key, need.casefold(), needs) if need.casefold() in stuck else []
            if circle:
                names = " -> ".join(known[one].name for one in _shortened(circle))
                summary = f"{shown(known[key].name)} needs itself" + (f": {names}" if len(circle) > LEAST else "")
                detail = "None of them can start. Remove one of these needs."
                yield RuleDiagnostic(project, path, summary, detail, whole=True)


def _shortened(circle: list[str]) -> list[str]:
    return circle if len(circle) <= SHOWN else [*circle[: SHOWN - 1], circle[-1]]


def _stuck(needs: Mapping[str, set[str]]) -> list[str]:
    """All entries that cannot be started in any order, as listed."""
    waiting = {key: set(needed) for key, needed in needs.items()}
    needed_by: dict[str, list[str]] = {}
    for key, needed in needs.items():
        for other in needed:
            needed_by.setdefault(other, []).append(key)
    ready = [key for key, needed in waiting.items() if not needed]
    while ready:
        key = ready.pop()
        del waiting[key]
        for other in needed_by.get(key, ()):
            waiting[other].discard(key)
            if not waiting[other]:
                ready.append(other)
    return list(waiting)


def _circle(start: str, first: str, needs: Mapping[str, set[str]]) -> list[str]:
    """The shortest cycle from `start` over `first` back to `start`; empty without any."""
    before: dict[str, str | None] = {first: None}
    queue = deque([first])
    while queue:
        key = queue.popleft()
        if key == start:
            way = []
            step: str | None = key
            while step is not None:
                way.append(step)
                step = before[step]
            return [start, *reversed(way)]
        for other in sorted(other for other in needs[key] if other not in before):
            before[other] = key
            queue.append(other)
    return []


RULE = Rule(
    id="needs-cycle",
    severity=Severity.ERROR,
    title="Sessions that wait for each other.",
    why="Sessions that depend on each other, or on themselves, never start.",
    bad="""
- name: first
  needs: [second]
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
- name: second
  needs: [first]
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
""",
    good="""
- name: first
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
- name: second
  needs: [first]
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
""",
    check=check,
)
