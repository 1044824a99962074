"""One controller for each state: the lock that a controller holds between its passes, too.

The lock of the state itself is free between two passes, so that a person can use `mark` or `apply` meanwhile. The lock
of the operating system excludes controllers on this machine. The lease in a remote state excludes those elsewhere; its
ID lies next to the lock file, so that a controller that follows a killed one has the same lease.
"""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import AnotherController
from skaha_apply.state.clocks import Clocks
from skaha_apply.state.local import durable
from skaha_apply.state.local.lock import FileLock
from skaha_apply.state.lock_owner import this_process
from skaha_apply.state.paths import state_path
from skaha_apply.workflow.setup.context import find_location
from skaha_apply.workflow.state.controller_lease import INTERVALS, SHORTEST, OwnLease

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.project import Project
    from skaha_apply.workflow.setup.settings import Settings

SUFFIX, ID_SUFFIX = ".controller.lock", ".controller.id"


@dataclass
class ControllerLocks:
    """The locks of one controller, by file. They end with the process."""

    held: dict[Path, FileLock] = field(default_factory=dict)

    def take(self, setting: Settings, project: Project) -> None:
        """Take the lock of a project, once.

        Raises:
            AnotherController: another controller has it.
            StateError: the file system refuses.
        """
        path = _lock_path(setting, project)
        if path in self.held:
            return
        lock = FileLock(path, Clocks())
        owner = lock.take(this_process("run", str(path), time.time()))
        if owner is not None:
            raise AnotherController(
                f"another controller works on {project.name}: {owner.describe(time.time())}",
                hint="End that process, or give this one other manifests.",
            )
        self.held[path] = lock

    def lease(self, setting: Settings, project: Project, interval: float) -> OwnLease | None:
        """The lease of this controller, which has the lock; None for a local state, whose lock is enough.

        `interval` is the time between two passes, in seconds. Raises `StateError`: the file system refuses.
        """
        if not find_location(setting).at(project).is_remote:
            return None
        path = _lock_path(setting, project)
        owner = this_process("run", str(path), 0.0)
        lease_id = _kept_id(path.with_name(path.name.removesuffix(SUFFIX) + ID_SUFFIX))
        return OwnLease(lease_id, f"{owner.who} (process {owner.pid})", max(SHORTEST, INTERVALS * interval))

    def keep(self, setting: Settings, projects: Iterable[Project]) -> None:
        """Free the locks of all other projects."""
        kept = {_lock_path(setting, project) for project in projects}
        for path in self.held.keys() - kept:
            self.held.pop(path).free()

    def free(self) -> None:
        """Free all locks."""
        for lock in self.held.values():
            lock.free()
        self.held.clear()


def _kept_id(path: Path) -> str:
    """The ID in a file, which is made if it is missing or damaged."""
    try:
        with suppress(FileNotFoundError, ValueError):
            return str(uuid.UUID(durable.read_regular(path).decode("ascii").strip()))
        made = str(uuid.uuid4())
        durable.replace(path, f"{made}\n".encode("ascii"), private=True)
    except OSError as error:
        raise durable.refusal(error, "write the ID of the controller in", path) from error
    return made


def _lock_path(setting: Settings, project: Project) -> Path:
    """A file next to a local state.

    For a remote state it is where the local state would be.
    """
    location = find_location(setting).at(project)
    address = location.address
    path = (
        state_path(location.root, location.folder, project.name)
        if address is None or address.is_remote
        else Path(address.text).expanduser().absolute()
    )
    return path.with_name(path.name.removesuffix(".state.json") + SUFFIX)
