"""The lock that this process has, and the commits that it knows of both branches while it has it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from skaha_apply.model.errors import StateError, StateLocked
from skaha_apply.state.git.remote import Heads, PushResult
from skaha_apply.state.lease import lock_lost_error, not_locked_error
from skaha_apply.state.remote.left_locks import LEFT_LOCKS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skaha_apply.state.clocks import LockProof
    from skaha_apply.state.git.lock import LockBranch, LockCommit
from skaha_apply.state.git.remote import RemoteBranches


class OwnedBranches:
    """The branches of a state while this process has the lock. One method runs at a time.

    Args:
        branches: the branches at the remote.
        lock: makes and reads the commits of the lock.
        proof: is renewed by each push, and by each listing that shows both branches as known.
        explain: the error for a branch with a state that this process has neither read nor written.
    """

    def __init__(
        self,
        branches: RemoteBranches,
        lock: LockBranch,
        proof: LockProof,
        explain: Callable[[Heads], Awaitable[StateError]],
    ) -> None:
        self._branches = branches
        self._lock = lock
        self._proof = proof
        self._explain = explain
        self._held = ""  # the commit of the lock
        self._state: str | None = None  # the commit of the state; None until it was read under the lock
        self._possible: set[Heads] = set()  # what an unconfirmed push has made, or can still make
        self._lost: StateLocked | None = None

    @property
    def has_lock(self) -> bool:
        """Whether this process has the lock, as far as it knows."""
        return bool(self._held)

    @property
    def state(self) -> str | None:
        """The commit of the state; "" if there is no branch, None until it was read under the lock."""
        return self._state

    @property
    def kept(self) -> tuple[str, ...]:
        """The commits whose objects are still of use."""
        return (self._held, self._state or "", *(commit for heads in self._possible for commit in heads))

    async def take(self, operation: str) -> StateLocked | None:
        """Take the lock, or return the error that names its owner.

        Raises `StateError`; if this process then still has a lock as far as it knows, the caller frees it.
        """
        await self._branches.prepare()
        mine = Heads("", await self._lock.begin(operation, self._proof.clocks.wall()))
        result = PushResult.RACED
        for delay in self._branches.delays:
            await asyncio.sleep(delay)
            begun = self._proof.clocks.moment()
            result = await self._push_lock(mine)
            if result is not PushResult.STORED:
                found = await self._branches.heads("lock")
                if found.lock != mine.lock:
                    if not await self._free_left(found) and (error := await self.locked_error(found)):
                        self.drop()
                        return error
                    continue
            self._held, self._state, self._possible, self._lost = mine.lock, None, set(), None
            self._proof.renew(begun)
            return None
        if result is not PushResult.RACED:
            raise self._branches.refusal("lock", self._branches.last_problem)
        self.drop()
        return StateLocked(
            f"the state {self._lock.address} is locked by other processes that take turns",
            hint="Wait for the lock with --lock-timeout 5m.",
        )

    async def _push_lock(self, mine: Heads) -> PushResult:
        # Note the lock before the push: an interrupt or a broken connection can leave it at the remote.
        is_repeated = mine in self._possible
        self._held = mine.lock
        self._possible.add(mine)
        try:
            result = await self._branches.push(Heads(), mine)
        except StateError:
            if not is_repeated:
                self.drop()
            raise
        if result in (PushResult.RACED, PushResult.UNSENT) and not is_repeated:
            self._held = ""
        if result is PushResult.RACED and not is_repeated:
            self._possible.discard(mine)
        return result

    async def _free_left(self, found: Heads) -> bool:
        """Free a lock that an earlier store of this process could not free; False if it is none."""
        if found.lock not in LEFT_LOCKS:
            return False
        await self._branches.push(Heads("", found.lock), Heads())
        return True

    async def locked_error(self, found: Heads) -> StateLocked | None:
        """The error that another process has the lock, None if the lock is free now; raises `StateError`."""
        lock = await self._owner(found)
        return None if lock is None else self._lock.locked_error(lock, self._proof.clocks.wall())

    async def _owner(self, found: Heads) -> LockCommit | None:
        """The owner of a lock that was listed, None if the lock was freed meanwhile; raises `StateError`."""
        commit = (await self._branches.fetch(Heads("", found.lock), "lock")).lock if found.lock else ""
        return await self._lock.read(commit) if commit else None

    def saw(self, found: Heads) -> None:
        """Note the branches that were read; without effect for a process that does not have the lock."""
        if found.lock and found.lock == self._held:
            self._state = found.state

    async def check(self) -> None:
        """Check at the remote that both branches are as known, if the last proof is old.

        Raises:
            StateLocked: the lock is lost.
            StateError: the lock was never taken, the state has changed, or the remote does not respond.
        """
        if self._lost is not None:
            raise self._lost
        if not self._held:
            raise not_locked_error(self._lock.address)
        if self._proof.is_fresh:
            return
        begun = self._proof.clocks.moment()
        await self._accept(await self._branches.heads("lock"))
        self._proof.renew(begun)

    async def move(self, state: str, event: str, *, last: bool = False) -> None:
        """Move the state to a commit, and the lock to a new one, or with `last` free it, in one push.

        Raises:
            StateLocked: the lock is lost.
            StateError: the remote refuses, the state has changed, or nothing confirms the push.
        """
        lock = "" if last else await self._lock.renewed(event, self._proof.clocks.wall())
        wanted = Heads(state, lock)
        for delay in self._branches.delays:
            await asyncio.sleep(delay)
            await self.check()  # the process might have been stopped since the last proof
            begun = self._proof.clocks.moment()
            self._possible.add(wanted)
            result = await self._branches.push(self._heads, wanted)
            if result is not PushResult.STORED:
                found = await self._branches.heads("write")
                # After the last push the lock is free, so another process can have it already.
                is_stored = last and found.state == state and found.lock not in self._own_locks
                if found != wanted and not is_stored:
                    if result is PushResult.RACED and found == self._heads:
                        self._possible.discard(wanted)
                    await self._accept(found)
                    continue
            self._state, self._held, self._possible = state, lock, set()
            if last:
                self._proof.invalidate()
            else:
                self._proof.renew(begun)
            return
        raise self._branches.refusal("write", self._branches.last_problem)

    async def free(self) -> None:
        """Free the lock, if this process has it; raises `StateError` if the remote does not respond."""
        held = self._own_locks
        known = "" if self._possible else self._held
        for delay in self._branches.delays if self._held else ():
            await asyncio.sleep(delay)
            known = known or (await self._branches.heads("unlock")).lock
            if known not in held:
                break  # free, or of another process
            if await self._branches.push(Heads("", known), Heads()) is PushResult.STORED:
                break
            known = ""
        else:
            return
        self._held = ""
        # A push that moves the lock has no effect any more. One that takes it can still arrive.
        self._possible = {heads for heads in self._possible if not heads.state}

    def drop(self) -> None:
        """Forget the lock, whether it was freed or not; the next store of this process frees one that remains."""
        LEFT_LOCKS.add(*self._own_locks)
        self._held, self._state, self._possible = "", None, set()
        self._proof.invalidate()

    @property
    def _own_locks(self) -> set[str]:
        """The commits of the lock that this process has made, or can have made."""
        return {self._held, *(heads.lock for heads in self._possible)} - {""}

    @property
    def _heads(self) -> Heads:
        return Heads(self._state or "", self._held)

    async def _accept(self, found: Heads) -> None:
        """Note the branches, if they are as this process knows or can have made them; raises `StateError`."""
        if self._state is None and found.lock == self._held:
            return
        if found in self._possible and found.lock:
            self._state, self._held = found
        if found == self._heads:
            return
        if found.lock == self._held:
            raise await self._explain(found)
        lock = await self._owner(found)
        now = self._proof.clocks.wall()
        evidence = f"its owner is now {lock.describe(now)}" if lock else "another process freed it"
        self._held = ""
        self._proof.invalidate()
        self._lost = lock_lost_error(evidence, address=self._lock.address)
        raise self._lost
