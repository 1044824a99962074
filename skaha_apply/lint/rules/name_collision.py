"""Two sessions that would have the same name on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, sessions, shown
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec

    Owner = tuple[Project, str, SessionSpec]


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Compares names in lower case, with the suffixes of replicas, over all projects of the invocation.

    Replicas are not enumerated: a session of one replica named `a-2` meets the session `a` of three or more.
    """
    specs = [spec for project in projects for spec in project.sessions]
    if len({spec.key for spec in specs}) == len(specs) and all(spec.replicas == 1 for spec in specs):
        return
    known: dict[tuple[str, bool], Owner] = {}
    by_project: dict[tuple[str, str], Owner] = {}
    owners = [one for one in sessions(projects) if not one[0].unknown or f"{one[1]}.name" not in one[0].unknown]
    if len({spec.key for _, _, spec in owners}) == len(owners):
        yield from _suffixes(owners)
        return
    for owner in owners:
        project, _, spec = owner
        identity = (project.name, spec.key)
        if identity in by_project:
            yield _same(owner, by_project[identity], spec.name.lower())
            continue
        by_project[identity] = owner
        other = known.setdefault((spec.key, spec.replicas == 1), owner)
        if other is not owner:
            yield _same(owner, other, spec.live_name(1))
    yield from _suffixes(list(by_project.values()))


def _suffixes(owners: list[Owner]) -> Iterator[RuleDiagnostic]:
    many: dict[str, Owner] = {}
    for owner in owners:
        spec = owner[2]
        if spec.replicas > 1 and (spec.key not in many or many[spec.key][2].replicas < spec.replicas):
            many[spec.key] = owner
    for owner in owners if many else ():
        spec = owner[2]
        if spec.replicas > 1:
            continue
        stem, dash, number = spec.key.rpartition("-")
        counted = many.get(stem) if dash and number.isascii() and number.isdigit() else None
        if counted is None or number.startswith("0") or not 1 <= int(number[:9]) <= counted[2].replicas:
            continue
        yield _same(owner, counted, spec.key)


def _same(owner: Owner, other: Owner, name: str) -> RuleDiagnostic:
    location = other[0].location(f"{other[1]}.name")
    where = f" at {location}" if location else ""
    suffix = f" (replica of {shown(other[2].name)})" if other[2].replicas > 1 else ""
    of_project = f" of the project {other[0].name}" if other[0].name != owner[0].name else ""
    detail = "The server allows two sessions with the same name, so the tool could not distinguish them. It compares "
    detail += "names in lower case. Give one of them another name."
    summary = f"the name {shown(name)} is already used{where}{of_project}{suffix}"
    return RuleDiagnostic(owner[0], f"{owner[1]}.name", summary, detail, also=(f"{owner[1]}.replicas",))


RULE = Rule(
    id="name-collision",
    severity=Severity.ERROR,
    title="Two sessions with the same name.",
    why="The server changes names to lower case and allows two sessions with the same name. The tool must be able to "
    "distinguish all sessions of an invocation, including the numbered names of replicas.",
    bad="""
- name: tile
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 3
  cmd: python
- name: Tile-2
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
""",
    good="""
- name: tile
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 3
  cmd: python
- name: extra-tile-2
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
""",
    check=check,
)
