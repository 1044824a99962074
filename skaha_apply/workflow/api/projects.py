"""Projects for a script: read from manifests, or defined in Python."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.errors import ManifestError, UsageError
from skaha_apply.model.project import Project
from skaha_apply.model.spec import SessionSpec
from skaha_apply.workflow.api.boundary import shown_briefly
from skaha_apply.workflow.setup.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

Session = SessionSpec
_HERE = "(python)"  # the manifest file of sessions that a script defines


@shown_briefly
def load(*paths: str | Path, variables: Mapping[str, object] | None = None) -> Project:
    """The one project that manifests describe (files or folders; by default `manifests/`, else the folder itself).

    Args:
        paths: the manifests.
        variables: values by name, as `--var` gives them. Variables `SKAHA_VAR_name` of the environment give values too.

    Raises:
        ManifestError: for anything that cannot be applied, with all diagnostics.
        UsageError: the manifests have several projects (`load_all` returns them), or none of them declares one of
            `variables`.
    """
    projects = load_all(*paths, variables=variables)
    if len(projects) > 1:
        names = ", ".join(project.name for project in projects)
        raise UsageError(f"these manifests hold several projects ({names})", hint="Use load_all, or name one file.")
    return projects[0]


@shown_briefly
def load_all(*paths: str | Path, variables: Mapping[str, object] | None = None) -> tuple[Project, ...]:
    """Every project that manifests describe; see `load`."""
    from skaha_apply.workflow.setup.load import load_projects  # noqa: PLC0415 - YAML, for those who load some
    from skaha_apply.workflow.setup.variables import given  # noqa: PLC0415 - as above

    values = given({name: str(value) for name, value in (variables or {}).items()}, (), os.environ)
    return load_projects(Settings(paths=tuple(map(str, paths)), given=values))[0]


@shown_briefly
def define(name: str, *sessions: Session | Iterable[Session], secrets: Mapping[str, str] | None = None) -> Project:
    """A project without a manifest: `define("survey", Session(name="reduce", image=..., replicas=100, cmd="python"))`.

    `sessions` are values of `Session`, or lists of them. A value of `secrets` takes the place of `${var.NAME}` in cmd,
    args and env when a session is created, and is neither shown nor stored.

    Raises:
        ManifestError: for what the server would refuse, drop or change.
    """
    from skaha_apply import lint  # noqa: PLC0415

    several = [one for given in sessions for one in ((given,) if isinstance(given, Session) else given)]
    placed = tuple(session.model_copy(update={"file": _HERE}) for session in several)
    project = Project(name=name, sessions=placed, files=(_HERE,), secrets=dict(secrets or {}))
    errors = tuple(one for one in lint.check((project,)) if one.severity is Severity.ERROR)
    if errors:
        raise ManifestError(errors)
    return project
