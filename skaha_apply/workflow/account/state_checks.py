"""The checks of `doctor` for the state of a project and its lock. They take no lock and write nothing."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

from skaha_apply.model.account.health import Check, failed, not_checked, passed
from skaha_apply.model.counts import counted
from skaha_apply.model.errors import SkahaApplyError
from skaha_apply.planning.safety.account import check_account
from skaha_apply.state.lock_owner import format_age
from skaha_apply.workflow.state.binding import find_store, read_state

if TYPE_CHECKING:
    from skaha_apply.model.ports import Store
    from skaha_apply.model.project import Project
    from skaha_apply.workflow.account.server_checks import ServerSurvey
    from skaha_apply.workflow.setup.context import StateLocation

SHOW = "skaha-apply state show --project={}"
WAIT = "skaha-apply refresh --project={} --lock-timeout=5m"


async def state_checks(server: ServerSurvey, project: Project) -> tuple[Check, ...]:
    """Check that the state can be read, that it belongs to project, server and account, and that its lock is free."""
    if server.location is None:
        why = "its place follows from the server, which is not known"
        return tuple(not_checked(name, why, project=project.name) for name in ("state", "lock"))
    location, show = server.location.at(project), SHOW.format(shlex.quote(project.name))
    try:
        store = find_store(location, project)
    except SkahaApplyError as error:
        return failed("state", error, show, project=project.name), not_checked(
            "lock", "the place of the state is not known", project=project.name
        )
    try:
        document = await read_state(store, location, project)
        if document is not None and server.listing is not None:
            check_account(document, server.listing, server.identity)
    except SkahaApplyError as error:
        return failed("state", error, show, project=project.name), await _check_lock(store, project.name)
    if document is None:
        text = f"none yet at {_shown(store, location)}; `apply` creates it"
    else:
        written = document.written
        age = f", written {format_age(time.time() - written)} ago" if written else ""
        text = f"{counted(len(document.replicas), 'replica')}{age}, in {_shown(store, location)}"
    return passed("state", text, project=project.name), await _check_lock(store, project.name)


def _shown(store: Store, location: StateLocation) -> str:
    """The address of a store; a file below the working directory is relative to it."""
    return store.address.removeprefix(f"{location.setting.cwd.absolute()}/")


async def _check_lock(store: Store, project: str) -> Check:
    try:
        is_known = await store.check_free()
    except SkahaApplyError as error:
        return failed("lock", error, WAIT.format(shlex.quote(project)), project=project)
    if is_known:
        return passed("lock", "free", project=project)
    return not_checked("lock", "this kind of store shows a lock only to a command that takes it", project=project)
