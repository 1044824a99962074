"""The lock of a remote state: take it, check it, extend it, take it over after its expiry, and free it.

Some stores do not check the ID of an UNLOCK and free any lock. So the tool sends an UNLOCK only for a lock that it saw
with that ID immediately before.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from skaha_apply.model.errors import StateError, StateLocked
from skaha_apply.state.clocks import TRUSTED
from skaha_apply.state.http.errors import refused
from skaha_apply.state.http.requests import StoreResponse, was_sent
from skaha_apply.state.lease import (
    clock_warning,
    is_expired,
    is_extension_due,
    lock_lost_error,
    locked_error,
    not_locked_error,
    other_lock_error,
    with_id_read,
    with_lease,
)
from skaha_apply.state.lock_owner import LockOwner, from_json, this_process, to_json
from skaha_apply.state.remote.left_locks import LEFT_LOCKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.state.clocks import LockProof, Moment
    from skaha_apply.state.http.config import Backend
    from skaha_apply.state.http.requests import BackendRequests, NoStoreResponse


_OK = 200
_LOCKED = (409, 423)
_LONGEST_RETRY = 16.0
# Seconds that the UNLOCK may take, and that an interrupted process waits for the response to its LOCK.
_UNLOCK_LIMIT = 10.0
_INTERRUPT_LIMIT = 2.0


class _LockResult(NamedTuple):
    """The result of a LOCK: the other owner, None if this process has the lock; the store's time; when it was sent."""

    other: LockOwner | None
    date: float | None
    sent: Moment


class RemoteLock:
    """The lock at a backend.

    Args:
        backend: the store.
        requests: sends the requests.
        note: receives warnings, each on one line.
        proof: is renewed when the lock is taken or extended, and becomes invalid when it is lost.
    """

    def __init__(
        self, backend: Backend, requests: BackendRequests, note: Callable[[str], None], proof: LockProof
    ) -> None:
        self._backend = backend
        self._requests = requests
        self._note = note
        self._proof = proof
        self._owned: LockOwner | None = None
        self._lost: StateLocked | None = None
        self._is_unconfirmed = False  # whether the last LOCK had no conclusive response

    @property
    def id(self) -> str:
        """The ID of the lock of this process; "" if it has none."""
        return self._owned.id if self._owned else ""

    @property
    def is_extension_due(self) -> bool:
        """Whether the lease is near its end, by the time of the store."""
        return self._owned is not None and is_extension_due(self._owned, self._requests.time.now())

    async def take(self, operation: str, patience: float) -> None:
        """Take the lock, and try for `patience` seconds; raises `StateLocked` or `StateError`."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + patience
        delay = 1.0
        overtaken = ""
        await self._learn_time()
        while True:
            this_owner = self._new_owner(operation)
            other, date, sent = await self._lock_or_clean_up(this_owner)
            if other is None:
                self._owned, self._lost = this_owner, None
                self._proof.renew(sent)
                break
            if self._proof.clocks.since(sent) > TRUSTED:
                continue  # this process was stopped meanwhile, and the response is old
            if is_expired(other, date) and other.id != overtaken:
                overtaken = other.id
                self._note(f"taking over the expired lock of {other.describe(self._now())}")
                await self._unlock(other)
                continue
            if other.id in LEFT_LOCKS and other.id != overtaken:
                overtaken = other.id
                await self._unlock(other)
                continue
            left = deadline - clock()
            if left <= 0:
                raise locked_error(other, self._now(), address=self._backend.shown, is_alive=False)
            await asyncio.sleep(min(delay, left))
            delay = min(2 * delay, _LONGEST_RETRY)
        self._warn_of_clock()
        if self.is_extension_due:
            try:
                await self.check_owned()
            except StateError:
                await self.free()  # the caller frees only a lock that was taken without an error
                raise

    async def check_owned(self) -> None:
        """Check at the store that this process has the lock, and extend a lease that is near its end.

        If another process freed the lock, this takes it again. Then only the serial of the state shows whether another
        process had the lock in between. The caller renews the proof after it has read the serial.

        Raises:
            StateLocked: another process has the lock; no further write or request is possible.
            StateError: the lock was never taken, or the store gives no conclusive response.
        """
        owned = self._require_owned()
        other = (await self._send_lock(owned)).other
        if other is None and self.is_extension_due:
            other = await self._extend(owned)
        if other is not None:
            raise self.mark_lost(f"its owner is now {other.describe(self._now())}")

    async def _extend(self, owned: LockOwner) -> LockOwner | None:
        fresh = self._new_owner(owned.operation)
        self._proof.invalidate()
        await self._unlock(owned)
        self._owned = fresh  # before the LOCK: an interrupt can leave this lock in the store, and `free` then frees it
        LEFT_LOCKS.add(owned.id)  # the store can still have it if the UNLOCK had no response
        return (await self._send_lock(fresh)).other

    def mark_lost(self, evidence: str) -> StateLocked:
        """Mark the lock as lost for good; returns the error for it. `evidence` is a clause that shows the loss."""
        self._owned = None
        self._proof.invalidate()
        self._lost = lock_lost_error(evidence, address=self._backend.shown)
        return self._lost

    def _require_owned(self) -> LockOwner:
        if self._lost is not None:
            raise self._lost
        if self._owned is None:
            raise not_locked_error(self._backend.shown)
        return self._owned

    async def free(self) -> None:
        """Free the lock, if this process has it; a failure is only a note, because the lock expires."""
        owned, self._owned = self._owned, None
        if owned is None:
            return
        warning = f"the lock might remain; if the next run reports it, run `skaha-apply state unlock {owned.id}`"
        is_freed = False
        try:
            async with asyncio.timeout(_UNLOCK_LIMIT):
                if not self._proof.is_fresh and (await self._send_lock(owned)).other is not None:
                    return  # another process took the lock over
                response = await self._unlock(owned)
                is_freed = _is_success(response)
        except asyncio.CancelledError:
            self._note(warning)
            raise
        except (TimeoutError, StateError):
            self._note(warning)
            return
        finally:
            self._proof.invalidate()
            if not is_freed:
                LEFT_LOCKS.add(owned.id)
        if not is_freed:
            self._note(f"{warning} ({self._backend.mask(response.text)})")

    def drop(self) -> None:
        """Forget a lock that the store deleted together with the state."""
        self._owned = None

    async def force(self, lock_id: str) -> None:
        """Free the lock with that ID; raises `StateError` if there is no lock, or it has another ID."""
        await self._learn_time()
        probe = self._new_owner("unlock")
        other = (await self._send_lock(probe)).other
        if other is None:
            await self._unlock(probe)
            raise StateError(f"the state {self._backend.shown} is not locked")
        if other.id and other.id != lock_id:
            raise other_lock_error(other, lock_id, self._now())
        response = await self._unlock(replace(other, id=lock_id))
        if not _is_success(response):
            raise refused(self._backend, "unlock", response)

    async def _lock_or_clean_up(self, this_owner: LockOwner) -> _LockResult:
        # An interrupt or a broken connection can leave the new lock in the store, and nothing else would free it.
        locking = asyncio.ensure_future(self._send_lock(this_owner))
        try:
            return await asyncio.shield(locking)
        except StateError:
            if self._is_unconfirmed:
                self._owned = this_owner
                await self.free()
            LEFT_LOCKS.add(this_owner.id)
            raise
        except asyncio.CancelledError:
            done, _ = await asyncio.wait([locking], timeout=_INTERRUPT_LIMIT)
            if done and locking.exception() is None:
                if locking.result().other is None:
                    self._owned = this_owner
                    self._proof.renew(locking.result().sent)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_INTERRUPT_LIMIT):
                            await self.free()
            else:
                locking.cancel()
                LEFT_LOCKS.add(this_owner.id)
                self._note(
                    f"a lock might remain; if the next run reports it, run `skaha-apply state unlock {this_owner.id}`"
                )
            raise

    async def _send_lock(self, this_owner: LockOwner) -> _LockResult:
        backend, sent = self._backend, self._proof.clocks.moment()
        response = await self._requests.send_with_retries(
            backend.lock_method, backend.lock_address, to_json(this_owner)
        )
        self._is_unconfirmed = not response.is_conclusive and was_sent(response)
        if not isinstance(response, StoreResponse) or response.status not in (_OK, *_LOCKED):
            raise refused(backend, "lock", response)
        if response.status == _OK:
            return _LockResult(None, response.date, sent)
        other = with_id_read(from_json(response.body) or LockOwner(id=""))
        if other.id == this_owner.id:
            return _LockResult(None, response.date, sent)  # taken before, perhaps by a request without a response
        # GitLab stores only ID, account and time, and repeats the rest of this request.
        shown = replace(other, operation="", pid=None) if backend.gitlab else other
        return _LockResult(shown, response.date, sent)

    async def _unlock(self, owner: LockOwner) -> StoreResponse | NoStoreResponse:
        backend = self._backend
        return await self._requests.send_with_retries(backend.unlock_method, backend.unlock_address, to_json(owner))

    async def _learn_time(self) -> None:
        if self._requests.time.now() is None:
            # Any response has the date, also a refusal. Without one, the date of the LOCK leads to an extension.
            await self._requests.send("HEAD", self._backend.address)

    def _new_owner(self, operation: str) -> LockOwner:
        return with_lease(this_process(operation, self._backend.shown, self._now()), self._requests.time.now())

    def _now(self) -> float:
        """The time of the store for messages; the time of this machine if the store has none."""
        now = self._requests.time.now()
        return self._proof.clocks.wall() if now is None else now

    def _warn_of_clock(self) -> None:
        if warning := clock_warning(self._requests.time.ahead, f"the state store {self._backend.shown}"):
            self._note(warning)


def _is_success(response: StoreResponse | NoStoreResponse) -> bool:
    return isinstance(response, StoreResponse) and response.status // 100 == 2  # noqa: PLR2004 - 2xx
