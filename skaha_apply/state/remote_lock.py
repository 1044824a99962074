"""The lock of a remote state: taken, looked after, taken over once it expired, and given back.

Stores differ in how well they check the ID of an UNLOCK: some free whatever is locked. So none is ever sent but for a
lock that was just seen to have that ID.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.model.errors import StateError
from skaha_apply.state import holder as holders
from skaha_apply.state.lease import expired, leased, named_in_id
from skaha_apply.state.lock import locked
from skaha_apply.state.refused import refused
from skaha_apply.state.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.state.backend import Backend
    from skaha_apply.state.holder import Holder
    from skaha_apply.state.wire import Lost, Wire

_OK = 200
_HELD = (409, 423)
_LONGEST_RETRY = 16.0
# Seconds that giving the lock back may take, and that a lock under way is waited for when we are interrupted.
_LAST_WORDS = 10.0
_INTERRUPTED = 2.0


class RemoteLock:
    """The lock at a backend. `note` is told, in one line each, what a user should know though it stops nothing."""

    def __init__(self, backend: Backend, wire: Wire, note: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._backend = backend
        self._wire = wire
        self._note = note
        self._clock = clock
        self._held: Holder | None = None

    @property
    def id(self) -> str:
        """The ID of the lock that we hold, "" without one."""
        return self._held.id if self._held else ""

    async def take(self, operation: str, patience: float) -> None:
        """Take the lock, trying again for `patience` seconds; raises `StateLocked`, or `StateError`."""
        deadline = time.monotonic() + patience
        pause = 1.0
        overtaken = ""
        while True:
            ours = self._ours(operation)
            other = await self._attempt(ours)
            if other is None:
                self._held = ours
                return
            if expired(other, self._clock()) and other.id != overtaken:
                overtaken = other.id
                self._note(f"taking over the expired lock of {other.describe(self._clock())}")
                await self._unlock(other)
                continue
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._locked(other)
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_RETRY)

    async def ensure(self) -> None:
        """Make sure that the lock is ours, as a write needs; past its expiry it is asked for, and prolonged.

        Raises `StateError` when it was never taken, `StateLocked` when somebody else took it over.
        """
        if self._held is None:
            raise StateError(f"the state {self._backend.shown} is not locked by this process, so it is not written")
        if self._held.expires is None or self._clock() < self._held.expires:
            return
        held, fresh = self._held, self._ours(self._held.operation)
        self._held = None
        other = await self._ask(held)
        if other is None:
            await self._unlock(held)
            other = await self._ask(fresh)
        if other is not None:
            raise self._locked(other)
        self._held = fresh

    async def free(self) -> None:
        """Give it back, if it is held; a failure is a note, for the lock expires."""
        held, self._held = self._held, None
        if held is None:
            return
        told = f"the lock may still be there; if the next run says so, `skaha-apply state unlock {held.id}`"
        try:
            async with asyncio.timeout(_LAST_WORDS):
                answer = await self._unlock(held)
        except asyncio.CancelledError:
            self._note(told)
            raise
        except (TimeoutError, StateError):
            self._note(told)
            return
        if not _succeeded(answer):
            self._note(f"{told} ({self._backend.scrub(answer.text)})")

    def drop(self) -> None:
        """Forget a lock that went with its state."""
        self._held = None

    async def force(self, lock_id: str) -> None:
        """Free the lock of that ID; raises `StateError` when nobody holds it, or another does."""
        probe = self._ours("unlock")
        other = await self._ask(probe)
        if other is None:
            await self._unlock(probe)
            raise StateError(f"the state {self._backend.shown} is not locked")
        if other.id and other.id != lock_id:
            raise StateError(
                f"the lock has another id than {lock_id}: {other.id}, of {other.describe(self._clock())}",
                hint="Make sure that its holder is gone before you unlock that id.",
            )
        answer = await self._unlock(replace(other, id=lock_id))
        if not _succeeded(answer):
            raise refused(self._backend, "unlock", answer)

    async def _attempt(self, ours: Holder) -> Holder | None:
        # Interrupted while asking, we may hold it: that is looked after, for nobody else would.
        asking = asyncio.ensure_future(self._ask(ours))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            done, _ = await asyncio.wait([asking], timeout=_INTERRUPTED)
            if done and asking.exception() is None:
                if asking.result() is None:
                    self._held = ours
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_INTERRUPTED):
                            await self.free()
            else:
                asking.cancel()
                self._note(f"a lock may have been left behind; if so, `skaha-apply state unlock {ours.id}`")
            raise

    async def _ask(self, ours: Holder) -> Holder | None:
        backend = self._backend
        answer = await self._wire.again(backend.lock_method, backend.lock_address, holders.to_json(ours))
        if not isinstance(answer, Answer) or answer.status not in (_OK, *_HELD):
            raise refused(backend, "lock", answer)
        if answer.status == _OK:
            return None
        other = named_in_id(holders.from_json(answer.body) or holders.Holder(id=""))
        if other.id == ours.id:
            return None  # an earlier attempt of this request got through, and its answer was lost
        # GitLab stores the ID, the account and the time only, and echoes the rest of our own request.
        return replace(other, operation="", pid=None) if backend.gitlab else other

    async def _unlock(self, holder: Holder) -> Answer | Lost:
        backend = self._backend
        return await self._wire.again(backend.unlock_method, backend.unlock_address, holders.to_json(holder))

    def _ours(self, operation: str) -> Holder:
        now = self._clock()
        return leased(holders.ourselves(operation, self._backend.shown, now), now)

    def _locked(self, other: Holder) -> StateError:
        return locked(other, self._clock(), source=self._backend.shown, alive=False)


def _succeeded(answer: Answer | Lost) -> bool:
    return isinstance(answer, Answer) and answer.status // 100 == 2  # noqa: PLR2004 - 2xx
