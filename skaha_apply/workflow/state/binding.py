"""A state belongs to one project, server and store; a command that uses another stops before it changes anything."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from skaha_apply.model.errors import SafetyRefusal, StateError
from skaha_apply.model.state import StateDocument
from skaha_apply.state.project_store import DeclaredState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.model.ports import Store
    from skaha_apply.model.project import Project
    from skaha_apply.workflow.setup.context import StateLocation


def new_document(location: StateLocation, project: Project) -> StateDocument:
    """The state of a project that has none yet."""
    return StateDocument(lineage=str(uuid.uuid4()), project=project.name, server=location.server)


def find_store(location: StateLocation, project: Project) -> Store:
    """The store of a project, if it is the one in the manifests; see `open_project_store` for what it raises.

    The sandbox always has its own state.
    """
    if project.state is None or location.setting.sandbox:
        return location.store(project.name)
    return location.store(project.name, DeclaredState(project.state, project.locations.get("state")))


def check_binding(document: StateDocument, project: str, server: str) -> None:
    """Refuse a state of another project or server (host and path).

    Raises `StateError` with both values.
    """
    if document.project != project:
        raise StateError(
            f"the state belongs to project {document.project!r}, the manifest to project {project!r}",
            hint=f"If the project was renamed, run `skaha-apply state mv {document.project} {project}`. Otherwise "
            "select another state with --state.",
        )
    if document.server != server:
        raise StateError(
            f"the state belongs to server {document.server}, this command uses {server}",
            hint="Select the server with --server. If the server has a new address, run `skaha-apply state rebind`.",
        )


async def read_state(
    store: Store, location: StateLocation, project: Project, *, whole: bool = True
) -> StateDocument | None:
    """The stored state, None if there is none; raises `StateError` for that of another project or server.

    Without `whole`, the records in the archive of the store are left out; `done` of the state names them.
    """
    stored = await (store.read() if whole else store.read_open())
    if stored is not None:
        check_binding(stored, project.name, location.server)
    return stored


def check_first_run(location: StateLocation, environment: Mapping[str, str], *, init: bool) -> None:
    """Refuse to start a new state on a CI runner, which would run everything again; raises `SafetyRefusal`."""
    if init or location.local or location.is_remote or location.setting.sandbox or not environment.get("CI"):
        return
    raise SafetyRefusal(
        "there is no state, and this is a CI job: without the earlier state everything would run again",
        hint="Keep the state in a remote store (--state URL). If this is the first run, add --init.",
    )
