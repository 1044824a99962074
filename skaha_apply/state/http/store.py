"""A state in a remote store that speaks the protocol of Terraform's `http` backend, GitLab-managed states included."""

from __future__ import annotations

import asyncio
import shlex
from contextlib import suppress
from typing import TYPE_CHECKING

from skaha_apply.model.errors import StateError, StateLocked
from skaha_apply.model.report import Note
from skaha_apply.state.clocks import Clocks, Proof
from skaha_apply.state.codec import Lines, decode, encode
from skaha_apply.state.http.errors import refused
from skaha_apply.state.http.lock import RemoteLock
from skaha_apply.state.http.requests import Answer, Lost, Wire
from skaha_apply.state.http.rescue import RescueFile
from skaha_apply.state.serial import NOTHING, check_next, follows, version_of

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from skaha_apply.model.ports import Observer
    from skaha_apply.model.state import StateDocument
    from skaha_apply.state.http.config import Backend
    from skaha_apply.state.serial import Version

_OK = 200
_WRITTEN = (200, 201, 204)
_NO_CONTENT = 204
_LOCK_LOST = (409, 423)
_NOT_FOUND = 404


class HttpStore:
    """The state at a backend.

    Args:
        backend: address, credential, methods and retries.
        rescue: the file that keeps a state which the store did not take.
        observe: is told what a user should know though it stops nothing.
        clocks: those of this machine.
        transport: another way to the store than the network, for tests.
    """

    interval = 10.0

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
        self._rescue = RescueFile(rescue)
        self._observe = observe
        clocks = clocks or Clocks()
        self._proof = Proof(clocks)
        self._wire = Wire(backend, clocks, transport)
        self._lock = RemoteLock(backend, self._wire, self._note, self._proof)
        self._turn = asyncio.Lock()  # one write or proof at a time: the lock may get another ID by it
        self._lines = Lines()
        self._known: Version | None = None
        self._unsure: Version | None = None  # a write whose end we do not know
        self._told = False

    @property
    def address(self) -> str:
        """The address, without credential and query."""
        return self._backend.shown

    async def acquire(self, operation: str, timeout: float) -> None:  # noqa: ASYNC109 - a user's option
        """Take the lock; a held one is tried again at 1 s, doubling to 16 s, for `timeout` seconds.

        Raises `StateLocked` that says who holds it; an expired one is taken over with a note.
        """
        if self._backend.in_the_clear and not self._told:
            self._told = True
            self._note(f"the password for {self.address} is sent unencrypted; use https")
        await self._lock.take(operation, timeout)

    async def release(self) -> None:
        """Give the lock back, within 10 s; never raises, a failure is a note."""
        await self._lock.free()

    async def read(self) -> StateDocument | None:
        """The document, None when the store has none; raises `StateError`."""
        document = await self._fetch(await self._wire.again("GET", self._backend.address))
        self._known, self._unsure = version_of(document), None
        await self._tell_of_rescue(document)
        return document

    async def read_bytes(self) -> bytes | None:
        """What the store holds, unchecked; None when it has none; raises `StateError`."""
        return self._body(await self._wire.again("GET", self._backend.address))

    async def prove(self) -> None:
        """Ask again whether lock and state are still ours, unless the proof is fresh; raises `StateLocked`."""
        if not self._proof.fresh:
            async with self._turn:
                await self._check_proof()

    async def write(self, document: StateDocument) -> None:
        """Store the document; one that is not taken is kept in the rescue file, and the message says so.

        Raises `StateError`: without a lock, when the stored one is not the one that was read, or without a clear answer
        that reading back could replace; `StateLocked` when the lock is lost.
        """
        data = await asyncio.to_thread(encode, document, self._lines)
        try:
            async with self._turn:
                await self._check_proof()
                await self._check_unmoved(document)
                self._unsure = version_of(document)
                await self._send(document, data)
        except StateError as error:
            raise self._kept(await self._cause(error), data) from error
        except asyncio.CancelledError:
            self._note(self._kept(StateError(f"the write of {self.address} was interrupted"), data).message)
            raise
        self._known, self._unsure = version_of(document), None
        self._drop_rescue(document)

    async def remove(self) -> None:
        """Delete the document, under the lock; raises `StateError`."""
        await self._check_proof()
        answer = await self._wire.again("DELETE", self._backend.address)
        if isinstance(answer, Lost) or answer.status not in (*_WRITTEN, _NOT_FOUND):
            raise refused(self._backend, "remove", answer)
        self._known, self._unsure = NOTHING, None
        if self._backend.gitlab:  # there the lock is a part of the state
            self._lock.drop()

    async def unlock(self, lock_id: str) -> None:
        """Break the lock of that ID; raises `StateError` when nobody holds it, or another does."""
        await self._lock.force(lock_id)

    async def _fetch(self, answer: Answer | Lost) -> StateDocument | None:
        body = self._body(answer)
        return None if body is None else await asyncio.to_thread(decode, body, self.address)

    def _body(self, answer: Answer | Lost) -> bytes | None:
        if isinstance(answer, Lost):
            raise refused(self._backend, "read", answer)
        # [lib/api/terraform/state.rb]: a missing state is 404 too, but a project one may not see says so in its text.
        hidden = self._backend.gitlab and b"Project Not Found" in answer.body
        if answer.status in (_NO_CONTENT, _NOT_FOUND) and not hidden:
            return None
        if answer.status != _OK:
            raise refused(self._backend, "read", answer)
        return answer.body

    async def _check_proof(self) -> None:
        """Prove the lock again if the last proof is too old, or the lease near its end; the state must be as known."""
        if self._proof.fresh and not self._lock.due:
            return
        begun = self._proof.clocks.moment()
        await self._lock.prove()
        if self._known is not None:
            stored = version_of(await self._fetch(await self._wire.again("GET", self._backend.address)))
            if stored not in (self._known, self._unsure):
                await self._lock.free()  # another process had it in between, and maybe it was just taken again
                raise self._lock.lose(f"the state has {stored} now, not {self._known}")
        self._proof.renew(begun)

    async def _check_unmoved(self, document: StateDocument) -> None:
        # GitLab refuses a serial that was used before, which is a look and a write in one.
        if self._known is not None and self._unsure is None and self._backend.gitlab:
            stored = self._known
        else:
            stored = version_of(await self._fetch(await self._wire.again("GET", self._backend.address)))
            if self._unsure is not None and stored == self._unsure:
                self._known = stored
            self._unsure = None
        check_next(self.address, self._known, stored, document)

    async def _send(self, document: StateDocument, data: bytes) -> None:
        answer = await self._post(data)
        if _taken(answer):
            return
        if answer.clear:
            raise await self._refusal(answer)
        for pause in self._wire.pauses(answer):
            await asyncio.sleep(pause)
            if await self._arrived(document):
                return
            answer = await self._post(data)
            if _taken(answer):
                return
            if answer.clear:
                break
        if not await self._arrived(document):
            raise await self._refusal(answer)

    async def _post(self, data: bytes) -> Answer | Lost:
        await self._check_proof()  # the process may have been stopped since the last one
        begun = self._proof.clocks.moment()
        answer = await self._wire.ask(self._backend.update_method, self._backend.address, data, self._lock.id)
        if _taken(answer):
            self._proof.renew(begun)
        return answer

    async def _refusal(self, answer: Answer | Lost) -> StateError:
        """The error for a write that was not taken."""
        if isinstance(answer, Lost) or answer.status not in _LOCK_LOST:
            return refused(self._backend, "write", answer)
        await self._lock.prove()  # names the owner, if there is one
        await self._lock.free()
        return self._lock.lose(f"the store refuses a write with its ID ({self._backend.scrub(answer.text)})")

    async def _cause(self, error: StateError) -> StateError:
        """The error for a write that failed: a lost lock, if the process was stopped while it wrote."""
        if self._proof.fresh or isinstance(error, StateLocked):
            return error
        with suppress(StateError):
            try:
                async with self._turn:
                    await self._check_proof()
            except StateLocked as lost:
                return lost
        return error

    async def _arrived(self, document: StateDocument) -> bool:
        # An earlier attempt may have got through: then the store holds this very document.
        answer = await self._wire.ask("GET", self._backend.address)
        if not answer.clear:
            return False
        stored = version_of(await self._fetch(answer))
        if stored == version_of(document):
            return True
        check_next(self.address, self._known, stored, document)
        return False

    def _kept(self, error: StateError, data: bytes) -> StateError:
        try:
            self._rescue.keep(data)
        except StateError as second:
            return type(error)(f"{error.message}; the new state is lost: {second.message}", hint=error.hint)
        if isinstance(error, StateLocked):  # the new owner goes by the stored state
            return StateLocked(f"{error.message}; the new state is kept in {self._rescue.path}", hint=error.hint)
        push = f"To store it: `{self._push}`."
        return type(error)(
            f"{error.message}; the new state is kept in {self._rescue.path}",
            hint=f"{error.hint} {push}" if error.hint else push,
        )

    async def _tell_of_rescue(self, stored: StateDocument | None) -> None:
        if not self._rescue.path.exists():
            return
        kept = await asyncio.to_thread(self._rescue.read)
        if kept is None:
            return
        if version_of(kept) == version_of(stored):
            self._rescue.drop()
        elif follows(kept, stored):
            self._note(f"{self._rescue.path} keeps a newer state than the store: `{self._push}`")

    def _drop_rescue(self, document: StateDocument) -> None:
        if self._rescue.path.exists():
            kept = self._rescue.read()
            if kept is not None and (kept.lineage, kept.writer) == (document.lineage, document.writer):
                self._rescue.drop()

    @property
    def _push(self) -> str:
        # An address with a query is not shown, so it cannot be part of a command.
        where = f" --state {self.address}" if self.address == self._backend.address else ""
        return f"skaha-apply state push {shlex.quote(str(self._rescue.path))}{where}"

    def _note(self, text: str) -> None:
        if self._observe is not None:
            self._observe(Note(text))


def _taken(answer: Answer | Lost) -> bool:
    return isinstance(answer, Answer) and answer.status in _WRITTEN
