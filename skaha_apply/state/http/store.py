"""A state in a remote store with the protocol of Terraform's `http` backend, such as a GitLab-managed state."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from skaha_apply.model.errors import StateError, StateLocked
from skaha_apply.model.report import Note
from skaha_apply.state.clocks import Clocks, LockProof
from skaha_apply.state.codec import LineCache, decode, encode
from skaha_apply.state.http.errors import refused
from skaha_apply.state.http.lock import RemoteLock
from skaha_apply.state.http.requests import BackendRequests, NoStoreResponse, StoreResponse
from skaha_apply.state.remote.rescue import RescueFile
from skaha_apply.state.serial import NOTHING, check_next, version_of

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from skaha_apply.model.ports import Observer
    from skaha_apply.model.state import StateDocument
    from skaha_apply.state.http.config import Backend
    from skaha_apply.state.serial import StateVersion

_OK = 200
_WRITTEN = (200, 201, 204)
_NO_CONTENT = 204
_LOCK_LOST = (409, 423)
_NOT_FOUND = 404


class HttpStore:
    """The state at a backend.

    Args:
        backend: address, credential, methods and retries.
        rescue: the path of the file for a state that the store did not accept.
        observe: receives warnings.
        clocks: those of this machine.
        transport: replaces the network in tests.
    """

    interval = 10.0
    archive = None
    shared_logs = None

    def __init__(
        self,
        backend: Backend,
        rescue: Path,
        *,
        observe: Observer | None = None,
        clocks: Clocks | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._backend = backend
        # The query of an address is a secret, so a command does not contain such an address.
        self._rescue = RescueFile(rescue, backend.shown if backend.shown == backend.address else "")
        self._observe = observe
        clocks = clocks or Clocks()
        self._proof = LockProof(clocks)
        self._requests = BackendRequests(backend, clocks, transport)
        self._lock = RemoteLock(backend, self._requests, self._note, self._proof)
        self._one_at_a_time = asyncio.Lock()  # writes and proofs, because they can change the ID of the lock
        self._lines = LineCache()
        self._known: StateVersion | None = None
        self._unconfirmed: StateVersion | None = None  # a write whose outcome is not known
        self._has_warned = False
        self._text: bytes | None = None  # the last state that was read or written, and its document
        self._document: StateDocument | None = None

    @property
    def address(self) -> str:
        """The address, without credential and query."""
        return self._backend.shown

    async def acquire(self, operation: str, timeout: float) -> None:  # noqa: ASYNC109 - a user's option
        """Take the lock; if it has an owner, try again after 1 s, doubling to 16 s, for `timeout` seconds.

        An expired lock is taken over with a note. Raises `StateLocked` with the owner of the lock.
        """
        if self._backend.sends_password_unencrypted and not self._has_warned:
            self._has_warned = True
            self._note(f"the password for {self.address} is sent unencrypted; use an https address")
        await self._lock.take(operation, timeout)

    async def release(self) -> None:
        """Free the lock, within 10 s; never raises, a failure is a note."""
        await self._lock.free()

    async def read(self) -> StateDocument | None:
        """The document; None if the store has none; raises `StateError`.

        The same object as before, if the store has the text that this object has read or written last.
        """
        document = await self._fetch(await self._requests.send_with_retries("GET", self._backend.address))
        self._known, self._unconfirmed = version_of(document), None
        if note := await self._rescue.compare(document):
            self._note(note)
        return document

    async def read_open(self) -> StateDocument | None:
        """The result of `read`: the document has all records."""
        return await self.read()

    async def read_bytes(self) -> bytes | None:
        """The stored bytes, unchecked; None if there are none; raises `StateError`."""
        return self._body(await self._requests.send_with_retries("GET", self._backend.address))

    async def check_lock(self) -> None:
        """Check lock and state again, unless the proof is fresh; raises `StateLocked` if the lock is lost."""
        if not self._proof.is_fresh:
            async with self._one_at_a_time:
                await self._check_proof()

    async def write(self, document: StateDocument, *, last: bool = False) -> None:  # noqa: ARG002 - frees no lock
        """Store the document; if the store does not accept it, write it to the rescue file.

        Raises `StateError` without a lock, if the stored state is not the one that was read, or if neither a response
        nor reading back confirms the write; `StateLocked` if the lock is lost. The message names the rescue file.
        """
        data = await asyncio.to_thread(encode, document, self._lines)
        try:
            async with self._one_at_a_time:
                await self._check_proof()
                await self._check_unchanged(document)
                self._unconfirmed = version_of(document)
                await self._send(document, data)
        except StateError as error:
            raise self._rescue.keep(await self._cause(error), data) from error
        except asyncio.CancelledError:
            self._note(self._rescue.keep(StateError(f"the write of {self.address} was interrupted"), data).message)
            raise
        self._known, self._unconfirmed = version_of(document), None
        self._text, self._document = data, document
        self._rescue.remove_after(document)

    async def check_free(self) -> bool:
        """False: the protocol shows the owner of a lock only in the response to a LOCK."""
        return False

    async def remove(self) -> None:
        """Delete the document while this process has the lock; raises `StateError`."""
        await self._check_proof()
        response = await self._requests.send_with_retries("DELETE", self._backend.address)
        if isinstance(response, NoStoreResponse) or response.status not in (*_WRITTEN, _NOT_FOUND):
            raise refused(self._backend, "remove", response)
        self._known, self._unconfirmed = NOTHING, None
        if self._backend.gitlab:  # at GitLab the lock is a part of the state
            self._lock.drop()

    async def unlock(self, lock_id: str) -> None:
        """Break the lock with that ID; raises `StateError` if there is no lock, or it has another ID."""
        await self._lock.force(lock_id)

    async def _fetch(self, response: StoreResponse | NoStoreResponse) -> StateDocument | None:
        body = self._body(response)
        if body is None or body == self._text:
            return None if body is None else self._document
        document = await asyncio.to_thread(decode, body, self.address)
        self._text, self._document = body, document
        return document

    def _body(self, response: StoreResponse | NoStoreResponse) -> bytes | None:
        if isinstance(response, NoStoreResponse):
            raise refused(self._backend, "read", response)
        # [lib/api/terraform/state.rb]: a missing state is 404 too; for a project that is not visible the text differs.
        hidden = self._backend.gitlab and b"Project Not Found" in response.body
        if response.status in (_NO_CONTENT, _NOT_FOUND) and not hidden:
            return None
        if response.status != _OK:
            raise refused(self._backend, "read", response)
        return response.body

    async def _check_proof(self) -> None:
        """Prove the lock again if the last proof is old or the lease ends soon; the state must be as known."""
        if self._proof.is_fresh and not self._lock.is_extension_due:
            return
        begun = self._proof.clocks.moment()
        await self._lock.check_owned()
        if self._known is not None:
            stored = version_of(await self._fetch(await self._requests.send_with_retries("GET", self._backend.address)))
            if stored not in (self._known, self._unconfirmed):
                await self._lock.free()  # another process had the lock, and `check_owned` may have taken it again
                raise self._lock.mark_lost(f"the state now has {stored}, not {self._known}")
        self._proof.renew(begun)

    async def _check_unchanged(self, document: StateDocument) -> None:
        # GitLab refuses a serial that was used before, so a write also checks the stored serial.
        if self._known is not None and self._unconfirmed is None and self._backend.gitlab:
            stored = self._known
        else:
            stored = version_of(await self._fetch(await self._requests.send_with_retries("GET", self._backend.address)))
            if self._unconfirmed is not None and stored == self._unconfirmed:
                self._known = stored
            self._unconfirmed = None
        check_next(self.address, self._known, stored, document)

    async def _send(self, document: StateDocument, data: bytes) -> None:
        response = await self._post(data)
        if _is_accepted(response):
            return
        if response.is_conclusive:
            raise await self._refusal(response)
        for delay in self._requests.retry_delays(response):
            await asyncio.sleep(delay)
            if await self._is_stored(document):
                return
            response = await self._post(data)
            if _is_accepted(response):
                return
            if response.is_conclusive:
                break
        if not await self._is_stored(document):
            raise await self._refusal(response)

    async def _post(self, data: bytes) -> StoreResponse | NoStoreResponse:
        await self._check_proof()  # the process might have been stopped since the last proof
        begun = self._proof.clocks.moment()
        response = await self._requests.send(self._backend.update_method, self._backend.address, data, self._lock.id)
        if _is_accepted(response):
            self._proof.renew(begun)
        return response

    async def _refusal(self, response: StoreResponse | NoStoreResponse) -> StateError:
        """The error for a write that the store did not accept."""
        if isinstance(response, NoStoreResponse) or response.status not in _LOCK_LOST:
            return refused(self._backend, "write", response)
        await self._lock.check_owned()  # raises an error that names the owner, if there is one
        await self._lock.free()
        return self._lock.mark_lost(
            f"the store refuses a write with the ID of the lock ({self._backend.mask(response.text)})"
        )

    async def _cause(self, error: StateError) -> StateError:
        """The error for a failed write: a lost lock, if the process was stopped during the write."""
        if self._proof.is_fresh or isinstance(error, StateLocked):
            return error
        with suppress(StateError):
            try:
                async with self._one_at_a_time:
                    await self._check_proof()
            except StateLocked as lost:
                return lost
        return error

    async def _is_stored(self, document: StateDocument) -> bool:
        # If an earlier request succeeded, the store has exactly this document.
        response = await self._requests.send("GET", self._backend.address)
        if not response.is_conclusive:
            return False
        stored = version_of(await self._fetch(response))
        if stored == version_of(document):
            return True
        check_next(self.address, self._known, stored, document)
        return False

    def _note(self, text: str) -> None:
        if self._observe is not None:
            self._observe(Note(text))


def _is_accepted(response: StoreResponse | NoStoreResponse) -> bool:
    return isinstance(response, StoreResponse) and response.status in _WRITTEN
