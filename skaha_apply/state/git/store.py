"""A state in a branch of a git repository, locked by a second branch."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from skaha_apply.model.errors import StateError
from skaha_apply.model.report import Note
from skaha_apply.state.clocks import Clocks, LockProof
from skaha_apply.state.codec import LineCache, encode
from skaha_apply.state.git.branch import StateBranch
from skaha_apply.state.git.lock import LockBranch
from skaha_apply.state.git.objects import CommitMaker
from skaha_apply.state.git.ownership import OwnedBranches
from skaha_apply.state.git.program import GitProgram
from skaha_apply.state.git.remote import USUAL, Heads, Patience, PushResult, RemoteBranches
from skaha_apply.state.remote.public_ids import with_hidden_ids
from skaha_apply.state.remote.rescue import RescueFile
from skaha_apply.state.serial import NOTHING, check_next, version_of

if TYPE_CHECKING:
    from pathlib import Path

    from skaha_apply.model.errors import StateLocked
    from skaha_apply.model.ports import Observer, SharedLogs
    from skaha_apply.model.state import StateDocument
    from skaha_apply.state.git.address import GitRemote
    from skaha_apply.state.serial import StateVersion

_FIRST_RETRY, _LONGEST_RETRY = 1.0, 16.0
_UNLOCK_LIMIT = 10.0
_INTERRUPT_LIMIT = 2.0


class GitStore:
    """The state in a branch of a git repository.

    Args:
        remote: repository, branch, history and credential.
        rescue: the path of the file for a state that the remote did not accept.
        observe: receives warnings.
        clocks: those of this machine.
        patience: the time limits for git.
    """

    interval = 10.0
    archive = None

    def __init__(
        self,
        remote: GitRemote,
        rescue: Path,
        *,
        observe: Observer | None = None,
        clocks: Clocks | None = None,
        patience: Patience = USUAL,
    ) -> None:
        self._remote = remote
        self._observe = observe
        self._rescue = RescueFile(rescue, remote.shown)
        self._clocks = clocks or Clocks()
        self._proof = LockProof(self._clocks)
        program = GitProgram(os.environ, credential=remote.credential, limit=patience.limit)
        self._objects = CommitMaker(program)
        self._branches = RemoteBranches(remote, program, self._objects, patience.delays)
        self._lock = LockBranch(self._objects, remote.shown)
        self._state = StateBranch(remote, self._branches, self._objects)
        self._owned = OwnedBranches(self._branches, self._lock, self._proof, self._explain)
        self._one_at_a_time = asyncio.Lock()
        self._lines = LineCache()
        self._known: StateVersion | None = None
        self._has_warned = False

    @property
    def address(self) -> str:
        """The address, without a password."""
        return self._remote.shown

    @property
    def shared_logs(self) -> SharedLogs:
        """The logs in the branch."""
        return self._state.logs

    async def acquire(self, operation: str, timeout: float) -> None:  # noqa: ASYNC109 - a user's option
        """Take the lock; if it has an owner, try again after 1 s, doubling to 16 s, for `timeout` seconds.

        Raises `StateLocked` with the owner and the age of the lock.
        """
        if self._remote.sends_password_unencrypted and not self._has_warned:
            self._has_warned = True
            self._note(f"the password for {self.address} is sent unencrypted; use an https address")
        clock = asyncio.get_running_loop().time
        deadline, delay = clock() + timeout, _FIRST_RETRY
        while (other := await self._take_or_clean_up(operation)) is not None:
            left = deadline - clock()
            if left <= 0:
                raise other
            await asyncio.sleep(min(delay, left))
            delay = min(2 * delay, _LONGEST_RETRY)

    async def release(self) -> None:
        """Free the lock, within 10 s; never raises, a failure is a note."""
        if not self._owned.has_lock:
            self._owned.drop()
            return
        warning = f"the lock might remain; if the next run reports it, run `skaha-apply state unlock {self._lock.id}`"
        try:
            async with asyncio.timeout(_UNLOCK_LIMIT), self._one_at_a_time:
                await self._owned.free()
        except asyncio.CancelledError:
            self._note(warning)
            raise
        except TimeoutError:
            self._note(warning)
        except StateError as error:
            self._note(f"{warning} ({error.message})")
        else:
            if self._owned.has_lock:
                self._note(warning)
        finally:
            self._owned.drop()

    async def read(self) -> StateDocument | None:
        """The document; None if there is no branch; raises `StateError`.

        The same object as before, if the branch has the commit that this object has read or written last.
        """
        heads, document = await self._read()
        if note := await self._rescue.compare(document):
            self._note(note)
        self._known = version_of(document)
        self._owned.saw(heads)
        return document

    async def read_open(self) -> StateDocument | None:
        """The result of `read`: the document has all records."""
        return await self.read()

    async def read_bytes(self) -> bytes | None:
        """The stored bytes, unchecked; None if there are none; raises `StateError`."""
        return await self._state.read_bytes(await self._branches.heads("read"))

    async def check_lock(self) -> None:
        """Check lock and state again, unless the proof is fresh; raises `StateLocked` if the lock is lost."""
        if not self._proof.is_fresh:
            async with self._one_at_a_time:
                await self._owned.check()

    async def write(self, document: StateDocument, *, last: bool = False) -> None:
        """Store the document; if the remote does not accept it, write it to the rescue file.

        With `last` the same push frees the lock. Raises `StateError` without a lock, if the stored state is not the one
        that was read, or if neither a push nor reading back confirms the write; `StateLocked` if the lock is lost. The
        message names the rescue file.
        """
        try:
            data = await asyncio.to_thread(encode, with_hidden_ids(document), self._lines)
            async with self._one_at_a_time:
                await self._store(document, data, last=last)
        except StateError as error:
            raise self._rescue.keep(error, encode(document)) from error
        except asyncio.CancelledError:
            interrupted = StateError(f"the write of {self.address} was interrupted")
            self._note(self._rescue.keep(interrupted, encode(document)).message)
            raise
        self._rescue.remove_after(document)

    async def check_free(self) -> bool:
        """True; raises `StateLocked` if another process has the lock."""
        heads = await self._branches.heads("read")
        if error := await self._owned.locked_error(heads):
            raise error
        return True

    async def remove(self) -> None:
        """Delete the branch while this process has the lock; raises `StateError`."""
        async with self._one_at_a_time:
            await self._owned.check()
            if self._owned.state is None:
                self._owned.saw(await self._branches.heads("remove"))
            await self._owned.move("", "state removed")
            self._known = NOTHING
            self._state.forget()

    async def unlock(self, lock_id: str) -> None:
        """Break the lock with that ID; raises `StateError` if there is no lock, or it has another ID.

        A lock whose owner writes meanwhile stays, because the branch has moved.
        """
        heads = await self._branches.heads("unlock")
        heads = await self._branches.fetch(Heads("", heads.lock), "unlock")
        if not heads.lock:
            raise StateError(f"the state {self.address} is not locked")
        lock, now = await self._lock.read(heads.lock), self._clocks.wall()
        if lock.owner.id != lock_id:
            raise self._lock.other_lock_error(lock, lock_id, now)
        if await self._branches.push(Heads("", heads.lock), Heads()) is PushResult.STORED:
            return
        left = (await self._branches.heads("unlock")).lock
        if left:
            moved = ", because its owner wrote meanwhile and still runs" if left != heads.lock else ""
            raise StateError(
                f"the lock {lock_id} of the state {self.address} was not freed{moved}",
                hint="Make sure that the owner has ended, then repeat the command.",
            )

    async def _take_or_clean_up(self, operation: str) -> StateLocked | None:
        # An interrupt or a broken connection can leave the new lock at the remote, and nothing else would free it.
        taking = asyncio.ensure_future(self._owned.take(operation))
        try:
            return await asyncio.shield(taking)
        except StateError:
            await self.release()
            raise
        except asyncio.CancelledError:
            done, _ = await asyncio.wait([taking], timeout=_INTERRUPT_LIMIT)
            if not done:
                taking.cancel()
                await asyncio.wait([taking])
            with suppress(TimeoutError):
                async with asyncio.timeout(_INTERRUPT_LIMIT):
                    await self.release()
            raise

    async def _read(self) -> tuple[Heads, StateDocument | None]:
        heads = await self._branches.heads("read")
        read, document = await self._state.read(heads)
        return heads if read.state == heads.state else await self._branches.heads("read"), document

    async def _store(self, document: StateDocument, data: bytes, *, last: bool) -> None:
        await self._owned.check()
        stored = self._known
        if self._owned.state is None or stored is None:
            heads, found = await self._read()
            self._owned.saw(heads)
            stored = version_of(found)
        check_next(self.address, self._known, stored, document)
        self._known = stored
        commit = await self._state.commit(data, document, self._owned.state or "", self._clocks.wall())
        await self._owned.move(commit, f"serial {document.serial}", last=last)
        self._known = version_of(document)
        self._state.remember(commit, document)
        await self._objects.prune(*self._owned.kept)

    async def _explain(self, found: Heads) -> StateError:
        """The error for a state that another process has written without the lock."""
        _, document = await self._state.read(found)
        self._state.forget()
        known, stored = self._known, version_of(document)
        change = f"it was {known} and is now {stored}" if stored != known else f"its branch was changed, at {stored}"
        return StateError(
            f"another process changed the state {self.address}: {change}; nothing was written",
            hint="A process wrote the state without the lock. Repeat the command: it starts from the stored state.",
        )

    def _note(self, text: str) -> None:
        if self._observe is not None:
            self._observe(Note(text))
