"""The lock of a state in git: a branch whose commit names the owner.

Only one process can make the branch, because its push requires that the branch is absent. Git has no clock of the
server, so nothing shows that an owner has ended. No process takes a lock over by itself; `state unlock ID` breaks it.
Each write of the owner moves the branch to a new commit, in the same push as the state. So a write fails as a whole if
the lock was broken, and the time of the commit shows when the owner wrote last.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from skaha_apply.model.errors import StateError, StateLocked
from skaha_apply.state.git.objects import LOCK_FILE
from skaha_apply.state.lease import locked_error
from skaha_apply.state.lock_owner import LockOwner, format_age, from_json, this_process, to_json

if TYPE_CHECKING:
    from skaha_apply.state.git.objects import CommitMaker

_SECONDS = 2.0  # a lock whose commit is this much older than its content was renewed by a write


class LockCommit(NamedTuple):
    """The owner of a lock, and the time of its last write by the clock of the owner, in Unix seconds."""

    owner: LockOwner
    renewed: float

    def describe(self, now: float) -> str:
        """The owner, the age of the lock, and the age of its last write."""
        created = self.owner.created
        text = self.owner.describe(now)
        if created is None or self.renewed > created + _SECONDS:
            text += f", last write {format_age(now - self.renewed)} ago"
        return text


class LockBranch:
    """Makes the commits of the lock of this process, and reads those of others."""

    def __init__(self, objects: CommitMaker, address: str) -> None:
        self._objects = objects
        self.address = address
        self._tree = ""
        self._owner = LockOwner(id="")

    @property
    def id(self) -> str:
        """The ID of the lock that this process took last."""
        return self._owner.id

    async def begin(self, operation: str, now: float) -> str:
        """A commit that makes this process the owner; `now` is the time of this machine."""
        # What identifies the machine beyond its name does not belong into a repository.
        self._owner = replace(this_process(operation, self.address, now), boot="")
        self._tree = await self._objects.tree(LOCK_FILE, to_json(self._owner) + b"\n")
        return await self.renewed("taken", now)

    async def renewed(self, event: str, now: float) -> str:
        """A further commit of the lock of this process; `event` makes it differ from the last one."""
        return await self._objects.commit(self._tree, f"Lock: {self._owner.operation}, {event}", now)

    async def read(self, commit: str) -> LockCommit:
        """The owner in a fetched commit; the ID of a lock that this tool did not make is that of its commit."""
        head = await self._objects.head(commit)
        owner = None
        if LOCK_FILE in await self._objects.names(commit):
            owner = from_json(await self._objects.content(commit, LOCK_FILE))
        return LockCommit(owner or LockOwner(id=commit), head.date)

    def locked_error(self, lock: LockCommit, now: float) -> StateLocked:
        """The error that another process has the lock, with its age."""
        error = locked_error(lock.owner, now, address=self.address, is_alive=False)
        return StateLocked(
            f"the state {self.address} is locked by {lock.describe(now)}",
            hint=f"{error.hint} A lock in git never expires.",
        )

    def other_lock_error(self, lock: LockCommit, lock_id: str, now: float) -> StateError:
        """The error that the lock to break has another ID than the user gave."""
        return StateError(
            f"the lock has another ID than {lock_id}: {lock.owner.id}, owned by {lock.describe(now)}",
            hint=f"Make sure that its owner has ended, then run `skaha-apply state unlock {lock.owner.id}`.",
        )
