"""The branch with the state: one readable file at the root of its tree, in one commit without parent.

The tree can also have a folder with logs (`logs.py`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from skaha_apply.model.errors import StateError
from skaha_apply.state.codec import decode
from skaha_apply.state.git.logs import LOGS, BranchLogs, has_only_logs
from skaha_apply.state.git.objects import STATE_FILE

if TYPE_CHECKING:
    from skaha_apply.model.state import StateDocument
    from skaha_apply.state.git.address import GitRemote
    from skaha_apply.state.git.objects import CommitHead, CommitMaker
    from skaha_apply.state.git.remote import Heads, RemoteBranches


class StateBranch:
    """Reads the state in a commit, and makes the commit of a new state."""

    def __init__(self, remote: GitRemote, branches: RemoteBranches, objects: CommitMaker) -> None:
        self._remote = remote
        self._branches = branches
        self._objects = objects
        self.logs = BranchLogs(objects)
        self._commit = ""  # the commit that was read or written last, and its document
        self._document: StateDocument | None = None

    async def read(self, heads: Heads) -> tuple[Heads, StateDocument | None]:
        """The document, None without a branch, and the commits it was read from. Raises `StateError`."""
        heads, data = await self._content(heads)
        if data is not None:
            self._document = await asyncio.to_thread(decode, data, self._remote.shown)
            self._commit = heads.state
        self.logs.commit = heads.state
        return heads, self._document if heads.state else None

    async def read_bytes(self, heads: Heads) -> bytes | None:
        """The content of the file, unchecked; None without a branch. Raises `StateError`."""
        self.forget()
        return (await self._content(heads))[1]

    async def _content(self, heads: Heads) -> tuple[Heads, bytes | None]:
        """The commits, and the content of the file; None if there is no branch, or its document is known."""
        if not heads.state or heads.state == self._commit:
            return heads, None
        heads = await self._branches.fetch(heads._replace(lock=""), "read") if heads.state else heads
        if not heads.state:
            return heads, None
        names = await self._objects.names(heads.state)
        if not has_only_logs(names, STATE_FILE):
            raise StateError(
                f"the branch {self._remote.branch} of {self._remote.url} is not the branch of a state: it contains "
                f"{', '.join(names[:3]) or 'no file'}, not only {STATE_FILE} and {LOGS}",
                hint="Select another branch with git:REMOTE#BRANCH. The tool changes no other branch.",
            )
        return heads, await self._objects.content(heads.state, STATE_FILE)

    async def commit(self, data: bytes, document: StateDocument, base: str, now: float) -> str:
        """The ID of a new commit with a state, which keeps the history from `base`. Raises `StateError`."""
        logs = await self.logs.tree(document, base)
        tree = await self._objects.tree(STATE_FILE, data, {LOGS: logs} if logs else None)
        message = f"{document.project}: serial {document.serial}"
        return await self._objects.commit(tree, message, document.written or now, await self._parent(base))

    async def _parent(self, base: str) -> str:
        """The parent of a new commit: the last `history - 1` commits, made again if there are more."""
        left = self._remote.history - 1
        if not left or not base:
            return ""
        kept: list[CommitHead] = []
        commit = base
        while commit and len(kept) < left and await self._objects.has(commit):
            kept.append(await self._objects.head(commit))
            commit = kept[-1].parent
        if not commit:
            return base
        parent = ""
        for head in reversed(kept):
            parent = await self._objects.commit(head.tree, head.message, head.date, parent)
        return parent

    def remember(self, commit: str, document: StateDocument) -> None:
        """Note the document in a commit that was stored."""
        self._commit, self._document = commit, document
        self.logs.stored(commit)

    def forget(self) -> None:
        """Note that the branch is read again."""
        self._commit, self._document = "", None
