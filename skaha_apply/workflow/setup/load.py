"""Loads manifests and returns the projects that can be applied."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply import lint, manifest
from skaha_apply.model.diagnostics import Diagnostic, Location, Severity
from skaha_apply.model.errors import ManifestError, UsageError
from skaha_apply.model.project import MissingValues, Project
from skaha_apply.state.paths import find_homes
from skaha_apply.state.stores import find_address, how_to_separate
from skaha_apply.workflow.setup.variables import check_declared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skaha_apply.model.project import Loaded
    from skaha_apply.workflow.setup.settings import Settings


def diagnose(
    setting: Settings,
    stdin: Callable[[], bytes] | None = None,
) -> tuple[tuple[Project, ...], tuple[Diagnostic, ...]]:
    """Every project of an invocation, and all diagnostics, errors first."""
    return _diagnosed(_load(setting, stdin))


def _load(setting: Settings, stdin: Callable[[], bytes] | None) -> Loaded:
    loaded = manifest.load(setting.sources, root=find_homes, stdin=stdin, given=setting.given)
    for note in loaded.notes:
        setting.note(note)
    return loaded


def load_leniently(setting: Settings, stdin: Callable[[], bytes] | None = None) -> tuple[Project, ...]:
    """The projects of an invocation for their names and locations: errors do not count, and no list file is read."""
    given = replace(setting.given, missing=MissingValues.ANY)
    return manifest.load(setting.sources, root=find_homes, stdin=stdin, given=given, lists=False).projects


def find_project(setting: Settings, name: str, stdin: Callable[[], bytes] | None = None) -> Project:
    """The project of that name, for the location of its state.

    A project that no manifest of the invocation names (it was renamed, or its manifest is damaged) is assumed at the
    home of the other projects, if they share one.
    """
    known = load_leniently(setting, stdin)
    found = next((project for project in known if project.name == name), None)
    if found is not None:
        return found
    homes = {project.homes for project in known}
    around = tuple(dict.fromkeys(folder for project in known for folder in project.around))
    return Project(name, (), homes=homes.pop() if len(homes) == 1 else (), around=around)


def _with_given(loaded: Loaded, values: Mapping[str, str]) -> tuple[Project, ...]:
    """The projects with the values of the invocation, without sensitive ones and undeclared variables."""
    sensitive = {name for project in loaded.projects for name in (*project.secrets, *project.withheld)}
    plain = {name: values[name] for name in sorted(loaded.declared - sensitive) if name in values}
    return tuple(replace(project, given=plain) for project in loaded.projects)


def _diagnosed(loaded: Loaded) -> tuple[tuple[Project, ...], tuple[Diagnostic, ...]]:
    found = (*loaded.diagnostics, *lint.check(loaded.projects))
    return loaded.projects, tuple(sorted(found, key=lambda one: (one.severity is not Severity.ERROR, one.location)))


def _check_separate_states(setting: Settings, projects: int) -> None:
    """Refuse the address of one state for several projects; raises `UsageError`."""
    if projects < 2 or setting.sandbox:  # noqa: PLR2004 - one project needs one state
        return
    if way := how_to_separate(find_address(setting.state, os.environ)):
        raise UsageError(
            f"the address of the state names one state, and the manifests have {projects} projects",
            hint=f"{way}, or select a project with --project",
        )


def load_projects(
    setting: Settings,
    stdin: Callable[[], bytes] | None = None,
) -> tuple[tuple[Project, ...], tuple[Diagnostic, ...]]:
    """The projects that may be applied, and the warnings about them.

    Raises:
        ManifestError: there is an error; it has all diagnostics.
        UsageError: `--project` names a project that no manifest has, or `--var` a variable that no manifest declares.
    """
    loaded = _load(setting, stdin)
    projects, found = _diagnosed(replace(loaded, projects=_with_given(loaded, setting.given.values)))
    if any(one.severity is Severity.ERROR for one in found):
        raise ManifestError(found)
    for warning in check_declared(setting.given, loaded.declared):
        setting.note(warning)
    if setting.project is not None:
        chosen = tuple(project for project in projects if project.name == setting.project)
        if not chosen:
            known = ", ".join(project.name for project in projects)
            raise UsageError(
                f"there is no project {setting.project!r} in these manifests", hint=f"the projects are: {known}"
            )
        return chosen, found
    _check_separate_states(setting, len(projects))
    if not projects:
        empty = Diagnostic("manifest", Severity.ERROR, "there are no manifests here", "", Location(setting.sources[0]))
        raise ManifestError((empty,))
    return projects, found
