"""Entries as `needs` names them: all combinations of an entry under its name as written."""

from __future__ import annotations

from dataclasses import field
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.lint.rule import sessions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec


@dataclass(frozen=True, slots=True)
class ProjectEntry:
    """All combinations of one entry, each with its path in the project; none if the matrix is empty."""

    name: str
    members: list[tuple[str, SessionSpec]] = field(default_factory=list)

    @property
    def replicas(self) -> int:
        """The number of sessions of the entry."""
        return sum(spec.replicas for _, spec in self.members)

    def needs(self) -> Iterator[tuple[str, str]]:
        """The dependencies of all combinations, each once: its first path, and its name as written."""
        seen = set()
        for path, spec in self.members:
            for index, need in enumerate(spec.needs):
                if need.casefold() not in seen:
                    seen.add(need.casefold())
                    yield f"{path}.needs[{index}]", need


def projects_with_needs(projects: Sequence[Project]) -> Iterator[tuple[Project, Mapping[str, ProjectEntry]]]:
    """The projects that use `needs`, each with its entries."""
    for project in projects:
        if any(spec.needs for spec in project.sessions):
            yield project, project_entries(project)


def project_entries(project: Project) -> Mapping[str, ProjectEntry]:
    """The entries of a project by their identity, the case-folded name as written."""
    found = {name.casefold(): ProjectEntry(name) for name in project.empty}
    for _, path, spec in sessions([project]):
        key = spec.entry_key
        entry = found.get(key)
        if entry is None:
            entry = found[key] = ProjectEntry(spec.group or spec.name)
        entry.members.append((path, spec))
    return found


def entry_specs(project: Project) -> Mapping[str, list[SessionSpec]]:
    """The combinations of each entry of a project, without their paths."""
    found: dict[str, list[SessionSpec]] = {}
    for group, members in groupby(project.sessions, attrgetter("group")):
        if group:
            found.setdefault(group.casefold(), []).extend(members)
        else:
            for spec in members:
                found.setdefault(spec.entry_key, []).append(spec)
    return found
