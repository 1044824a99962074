"""One controller for each state: the lock that a controller holds between its passes, too.

The lock of the state itself is free between two passes, so that a person can use `mark` or `apply` meanwhile.
"""

from __future__ import annotations

import time
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import StateLocked
from skaha_apply.state.clocks import Clocks
from skaha_apply.state.local.lock import FileLock
from skaha_apply.state.lock_owner import this_process
from skaha_apply.state.paths import state_path
from skaha_apply.workflow.setup.context import find_location

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.project import Project
    from skaha_apply.workflow.setup.settings import Settings

SUFFIX = ".controller.lock"


@dataclass
class ControllerLocks:
    """The locks of one controller, by file. They end with the process."""

    held: dict[Path, FileLock] = field(default_factory=dict)

    def take(self, setting: Settings, project: Project) -> None:
        """Take the lock of a project, once.

        Raises:
            StateLocked: another controller has it.
            StateError: the file system refuses.
        """
        path = _lock_path(setting, project)
        if path in self.held:
            return
        lock = FileLock(path, Clocks())
        owner = lock.take(this_process("run", str(path), time.time()))
        if owner is not None:
            raise StateLocked(
                f"another controller works on {project.name}: {owner.describe(time.time())}",
                hint="End that process, or give this one other manifests.",
            )
        self.held[path] = lock

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


def _lock_path(setting: Settings, project: Project) -> Path:
    """A file next to a local state.

    For a remote state it is where the local state would be, so it excludes controllers on this machine.
    """
    location = find_location(setting).at(project)
    address = location.address
    path = (
        state_path(location.root, location.folder, project.name)
        if address is None or address.is_remote
        else Path(address.text).expanduser().absolute()
    )
    return path.with_name(path.name.removesuffix(".state.json") + SUFFIX)
