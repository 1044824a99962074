"""The lock of a remote state: taken, proved, extended, taken over once it expired, and given back.

Stores differ in how well they check the ID of an UNLOCK: some free whatever is locked. So the tool sends one only for a
lock that it saw with that ID a moment before.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from skaha_apply.model.errors import StateError, StateLocked
from skaha_apply.state import lock_owner as holders
from skaha_apply.state.clocks import TRUSTED
from skaha_apply.state.http.errors import refused
from skaha_apply.state.http.requests import Answer
from skaha_apply.state.lease import due, expired, leased, named_in_id
from skaha_apply.state.local.lock import clock_warning, locked, lost

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.state.clocks import Moment, Proof
    from skaha_apply.state.http.config import Backend
    from skaha_apply.state.http.requests import Lost, Wire
    from skaha_apply.state.lock_owner import Holder


_OK = 200
_HELD = (409, 423)
_LONGEST_RETRY = 16.0
# Seconds that giving the lock back may take, and that a lock under way is waited for when we are interrupted.
_LAST_WORDS = 10.0
_INTERRUPTED = 2.0


class _Sight(NamedTuple):
    """What a LOCK showed: who else has the lock, None when we do; the store's time; and when it was asked."""

    other: Holder | None
    date: float | None
    asked: Moment


class RemoteLock:
    """The lock at a backend.

    Args:
        backend: the store.
        wire: sends the requests.
        note: gets, in one line each, what a user should know although it stops nothing.
        proof: is renewed when the lock is taken or extended, and void when it is lost.
    """

    def __init__(self, backend: Backend, wire: Wire, note: Callable[[str], None], proof: Proof) -> None:
        self._backend = backend
        self._wire = wire
        self._note = note
        self._proof = proof
        self._held: Holder | None = None
        self._lost: StateLocked | None = None

    @property
    def id(self) -> str:
        """The ID of the lock that we have, "" without one."""
        return self._held.id if self._held else ""

    @property
    def due(self) -> bool:
        """Whether the lease is near its end, by the store's time."""
        return self._held is not None and due(self._held, self._wire.time.now())

    async def take(self, operation: str, patience: float) -> None:
        """Take the lock, trying again for `patience` seconds; raises `StateLocked`, or `StateError`."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + patience
        pause = 1.0
        overtaken = ""
        await self._learn_time()
        while True:
            ours = self._ours(operation)
            other, date, asked = await self._attempt(ours)
            if other is None:
                self._held, self._lost = ours, None
                self._proof.renew(asked)
                break
            if self._proof.clocks.since(asked) > TRUSTED:
                continue  # this process was stopped meanwhile, and the answer is old
            if expired(other, date) and other.id != overtaken:
                overtaken = other.id
                self._note(f"taking over the expired lock of {other.describe(self._now())}")
                await self._unlock(other)
                continue
            left = deadline - clock()
            if left <= 0:
                raise self._locked(other)
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_RETRY)
        self._note_clock()
        if self.due:
            await self.prove()

    async def prove(self) -> None:
        """Ask the store whether the lock is ours, and extend a lease that is near its end.

        A lock that vanished (somebody freed it) is taken again by that; only the serial of the state then shows whether
        another process had it in between. The caller renews the proof when it has seen the serial.

        Raises:
            StateLocked: another process has the lock; no further write or request is possible.
            StateError: the lock was never taken, or the store gives no clear answer.
        """
        held = self._owned()
        other = (await self._ask(held)).other
        if other is None and self.due:
            other = await self._extend(held)
        if other is not None:
            raise self.lose(f"{other.describe(self._now())} has it now")

    async def _extend(self, held: Holder) -> Holder | None:
        fresh = self._ours(held.operation)
        self._proof.void()
        await self._unlock(held)
        self._held = fresh  # before it is asked for: interrupted, it might be ours, and is then given back
        return (await self._ask(fresh)).other

    def lose(self, why: str) -> StateLocked:
        """Give the lock up as lost, for good; gives the error that says so."""
        self._held = None
        self._proof.void()
        self._lost = lost(why, source=self._backend.shown)
        return self._lost

    def _owned(self) -> Holder:
        if self._lost is not None:
            raise self._lost
        if self._held is None:
            raise StateError(f"the state {self._backend.shown} is not locked by this process, so it is not written")
        return self._held

    async def free(self) -> None:
        """Give it back, if it is ours; a failure is a note, because the lock expires."""
        held, self._held = self._held, None
        if held is None:
            return
        told = f"the lock may still be there; if the next run reports it, `skaha-apply state unlock {held.id}`"
        try:
            async with asyncio.timeout(_LAST_WORDS):
                if not self._proof.fresh and (await self._ask(held)).other is not None:
                    return  # another process took it over
                answer = await self._unlock(held)
        except asyncio.CancelledError:
            self._note(told)
            raise
        except (TimeoutError, StateError):
            self._note(told)
            return
        finally:
            self._proof.void()
        if not _succeeded(answer):
            self._note(f"{told} ({self._backend.scrub(answer.text)})")

    def drop(self) -> None:
        """Forget a lock that went with its state."""
        self._held = None

    async def force(self, lock_id: str) -> None:
        """Free the lock of that ID; raises `StateError` when nobody holds it, or another does."""
        await self._learn_time()
        probe = self._ours("unlock")
        other = (await self._ask(probe)).other
        if other is None:
            await self._unlock(probe)
            raise StateError(f"the state {self._backend.shown} is not locked")
        if other.id and other.id != lock_id:
            raise StateError(
                f"the lock has another id than {lock_id}: {other.id}, of {other.describe(self._now())}",
                hint="Make sure that its holder is gone before you unlock that id.",
            )
        answer = await self._unlock(replace(other, id=lock_id))
        if not _succeeded(answer):
            raise refused(self._backend, "unlock", answer)

    async def _attempt(self, ours: Holder) -> _Sight:
        # Interrupted while asking, we may hold it: that is looked after, for nobody else would.
        asking = asyncio.ensure_future(self._ask(ours))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            done, _ = await asyncio.wait([asking], timeout=_INTERRUPTED)
            if done and asking.exception() is None:
                if asking.result().other is None:
                    self._held = ours
                    self._proof.renew(asking.result().asked)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_INTERRUPTED):
                            await self.free()
            else:
                asking.cancel()
                self._note(f"a lock may have been left behind; if so, `skaha-apply state unlock {ours.id}`")
            raise

    async def _ask(self, ours: Holder) -> _Sight:
        backend, asked = self._backend, self._proof.clocks.moment()
        answer = await self._wire.again(backend.lock_method, backend.lock_address, holders.to_json(ours))
        if not isinstance(answer, Answer) or answer.status not in (_OK, *_HELD):
            raise refused(backend, "lock", answer)
        if answer.status == _OK:
            return _Sight(None, answer.date, asked)
        other = named_in_id(holders.from_json(answer.body) or holders.Holder(id=""))
        if other.id == ours.id:
            return _Sight(None, answer.date, asked)  # taken before, maybe by an attempt whose answer was lost
        # GitLab stores the ID, the account and the time only, and echoes the rest of our own request.
        shown = replace(other, operation="", pid=None) if backend.gitlab else other
        return _Sight(shown, answer.date, asked)

    async def _unlock(self, holder: Holder) -> Answer | Lost:
        backend = self._backend
        return await self._wire.again(backend.unlock_method, backend.unlock_address, holders.to_json(holder))

    async def _learn_time(self) -> None:
        if self._wire.time.now() is None:
            # Any response has the date, a refusal too; if none comes, that of the LOCK leads to an extension.
            await self._wire.ask("HEAD", self._backend.address)

    def _ours(self, operation: str) -> Holder:
        return leased(holders.ourselves(operation, self._backend.shown, self._now()), self._wire.time.now())

    def _now(self) -> float:
        """The store's time; for what is only shown, our own clock where the store has none."""
        now = self._wire.time.now()
        return self._proof.clocks.wall() if now is None else now

    def _note_clock(self) -> None:
        if warning := clock_warning(self._wire.time.ahead, f"the state store {self._backend.shown}"):
            self._note(warning)

    def _locked(self, other: Holder) -> StateLocked:
        return locked(other, self._now(), source=self._backend.shown, alive=False)


def _succeeded(answer: Answer | Lost) -> bool:
    return isinstance(answer, Answer) and answer.status // 100 == 2  # noqa: PLR2004 - 2xx


# Seconds that a lock is valid after it was taken or extended; far above the longest time between two writes.
# Seconds past the expiry before another process takes it over. At least the time for which a proof of the lock is
# trusted, so that an owner whose proof is fresh still has it.
# Seconds before the expiry from which on the owner extends the lease with its next write or proof.
