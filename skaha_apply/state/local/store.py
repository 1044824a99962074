"""The default store: one file per project, next to its lock file. Each write replaces the whole file."""

from __future__ import annotations

import asyncio
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from skaha_apply.model.errors import StateError
from skaha_apply.model.report import Note
from skaha_apply.state.clocks import Clocks, LockProof
from skaha_apply.state.codec import LineCache, decode_open, encode, has_archive
from skaha_apply.state.lease import clock_warning, lock_lost_error, locked_error, not_locked_error
from skaha_apply.state.local import durable
from skaha_apply.state.local.archive import Archive
from skaha_apply.state.local.lock import FileLock, lock_path
from skaha_apply.state.local.signature import FileSignature, file_signature
from skaha_apply.state.lock_owner import this_process
from skaha_apply.state.paths import archive_folder, make_folder
from skaha_apply.state.serial import NOTHING, StateVersion, check_next, version_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from skaha_apply.model.errors import StateLocked
    from skaha_apply.model.ports import Observer
    from skaha_apply.model.state import StateDocument

T = TypeVar("T")
_FIRST_RETRY = 0.1
_LONGEST_RETRY = 1.0


class LocalStore:
    """The state in the file at `path`. For a symbolic link, the target is read, locked and replaced.

    Args:
        path: the state file; the first lock makes its folder. Raises `StateError` for the root folder.
        observe: receives warnings.
        clocks: those of this machine.
    """

    interval = 0.5
    shared_logs = None

    def __init__(self, path: Path, *, observe: Observer | None = None, clocks: Clocks | None = None) -> None:
        if not path.name:
            raise StateError(
                f"{path} is a folder, so the state cannot be stored there",
                hint="Give the path of a file in --state.",
            )
        self._shown = path
        self._path = _target(path)
        self._observe = observe
        self._clocks = clocks or Clocks()
        self._lock = FileLock(lock_path(self._path), self._clocks)
        self._proof = LockProof(self._clocks)
        self._known: StateVersion | None = None
        self._lost: StateLocked | None = None
        self._signature: FileSignature | None = None
        self._final: FileSignature | None = None  # of a file that has `_text` as long as it has this signature
        self._text: bytes | None = None  # the last text that was read or written, and its document
        self._document: StateDocument | None = None
        self._is_clean = False  # whether this process has removed what killed processes left
        self._mutex = threading.Lock()
        self._lines = LineCache()
        self.archive = Archive(archive_folder(self._path))
        self._copy = self._path.with_name(f"{self._path.name}.v1")  # the last text without an archive

    @property
    def address(self) -> str:
        """The path as the user gave it."""
        return str(self._shown)

    async def acquire(self, operation: str, timeout: float) -> None:  # noqa: ASYNC109 - a user's option
        """Take the lock; if it has an owner, try for `timeout` seconds, then raise `StateLocked`."""
        try:
            await self._take(operation, timeout)
            if not self._is_clean:
                await _in_thread(self._remove_temporary_files)
                self._is_clean = True
        except asyncio.CancelledError:
            self._lock.free()
            raise

    async def _take(self, operation: str, patience: float) -> None:
        this_owner = this_process(operation, self.address, self._clocks.wall())
        clock = asyncio.get_running_loop().time
        deadline = clock() + patience
        delay = _FIRST_RETRY
        while True:
            begun = self._clocks.moment()
            owner = await _in_thread(lambda: self._lock.take(this_owner))
            if owner is None:
                self._lost = None
                self._proof.renew(begun)
                self._warn_of_clock()
                return
            left = deadline - clock()
            if left <= 0:
                raise locked_error(owner, self._clocks.wall(), address=self.address, is_alive=owner.expires is None)
            await asyncio.sleep(min(delay, left))
            delay = min(2 * delay, _LONGEST_RETRY)

    async def release(self) -> None:
        """Free the lock, after a write that has begun has ended; never raises."""
        await _in_thread(self._release)

    async def read(self) -> StateDocument | None:
        """The document; None if there is no file; raises `StateError`.

        The same object as before, if the file has the text that this object has read or written last.
        """
        return await _in_thread(self._read)

    async def read_open(self) -> StateDocument | None:
        """The document without the records in the archive, which `done` names; None if there is no file.

        Raises `StateError`.
        """
        data = (await _in_thread(self._load_bytes))[0]
        return None if data is None else decode_open(data, self.address)

    async def read_bytes(self) -> bytes | None:
        """The content of the file, with the records of the archive; None if there is no file; raises `StateError`.

        Without an archive, the content is unchecked.
        """
        data = (await _in_thread(self._load_bytes))[0]
        if data is None or not has_archive(data):
            return data
        document = await self.read()
        return None if document is None else encode(document)

    async def write(self, document: StateDocument, *, last: bool = False) -> None:  # noqa: ARG002 - frees no lock
        """Replace the file durably; raises `StateError`, also if the file is not the one that was read before."""
        await _in_thread(lambda: self._write(document))

    async def check_lock(self) -> None:
        """Check lock and state again, unless the proof is fresh; raises `StateLocked` if the lock is lost."""
        if not self._proof.is_fresh:
            await _in_thread(self._check_lock)

    async def check_free(self) -> bool:
        """True; raises `StateLocked` if another process has the lock, and `StateError` if nobody can read it."""
        this_owner = this_process("", self.address, self._clocks.wall())
        owner = await _in_thread(lambda: self._lock.find_owner(this_owner))
        if owner is not None:
            raise locked_error(owner, self._clocks.wall(), address=self.address, is_alive=owner.expires is None)
        return True

    async def remove(self) -> None:
        """Remove the file while this process has the lock; raises `StateError`."""
        await _in_thread(self._remove)

    async def unlock(self, lock_id: str) -> None:
        """Free the lock of an ended process; raises `StateError` if it has another ID, or its process runs."""
        await _in_thread(lambda: self._lock.force(lock_id))

    def _remove_temporary_files(self) -> None:
        for temporary in (*durable.temporary_files(self._path), *durable.temporary_files(self._copy)):
            with suppress(OSError):  # a file that remains is harmless
                temporary.unlink(missing_ok=True)

    def _release(self) -> None:
        with self._mutex:
            self._lock.free()

    def _read(self) -> StateDocument | None:
        with self._mutex:
            document, self._signature = self._load()
            self._known = version_of(document)
            return document

    def _write(self, document: StateDocument) -> None:
        with self._mutex:
            self._check_locked()
            self._check_proof()
            self._check_unchanged(document)
            begun = self._clocks.moment()
            try:
                make_folder(self._path.parent)
                open_document = self.archive.move_to_files(document)
                if open_document.done and not self.archive.keep_copy(self._path, self._copy):
                    open_document = document
                data = encode(open_document, self._lines)
                inode = durable.replace(self._path, data, private=True)
                self._known, self._text, self._document = version_of(document), data, document
                self._final = None
                signature = file_signature(self._path)
                self._signature = signature if signature and signature.inode == inode else None
            except OSError as error:
                raise durable.refusal(error, "write the state", self._shown) from error
            self.archive.note_stored(open_document, self._clocks.wall())
            self._lock.extend_lease()
            self._proof.renew(begun)

    def _remove(self) -> None:
        with self._mutex:
            self._check_locked()
            self._check_proof()
            try:
                self._path.unlink(missing_ok=True)
                durable.sync_folder(self._path.parent)
                self._copy.unlink(missing_ok=True)
                self.archive.remove()
            except OSError as error:
                raise durable.refusal(error, "remove the state", self._shown) from error
            self._known, self._signature = NOTHING, None

    def _check_locked(self) -> None:
        if not self._lock.is_owned:
            raise not_locked_error(self.address)

    def _check_lock(self) -> None:
        with self._mutex:
            self._check_locked()
            self._check_proof()

    def _check_proof(self) -> None:
        """Prove the lock again if the last proof is old: the lock file names this process, the state is as known."""
        if self._proof.is_fresh:
            return
        if self._lost is None:
            begun = self._clocks.moment()
            self._lost = self._lock.check_owned()
            if self._lost is None and self._known is not None and (stored := self._stored()) != self._known:
                self._lost = lock_lost_error(f"the state now has {stored}, not {self._known}", address=self.address)
        if self._lost is not None:
            raise self._lost
        self._lock.extend_lease()
        self._proof.renew(begun)

    def _check_unchanged(self, document: StateDocument) -> None:
        check_next(self.address, self._known, self._stored(), document)

    def _stored(self) -> StateVersion:
        try:
            if self._known is not None and file_signature(self._path) == self._signature:
                return self._known
        except OSError as error:
            raise durable.refusal(error, "read the state", self._shown) from error
        return version_of(self._load()[0])

    def _warn_of_clock(self) -> None:
        warning = clock_warning(self._lock.ahead, f"the file system of {self.address}")
        if warning and self._observe is not None:
            self._observe(Note(warning))

    def _load(self) -> tuple[StateDocument | None, FileSignature | None]:
        # Others can have the lock between two reads, and two writes can give a file the same signature again. So only
        # a signature that is older than the lock proves that the text is the same.
        data, signature = self._load_bytes(self._final)
        if signature is None:
            return None, None
        if data is not None:
            if data != self._text:
                document = self.archive.with_archived(decode_open(data, self.address), self.address)
                self._text, self._document = data, document
            locked = self._lock.taken_at
            self._final = signature if locked is not None and signature.is_final_at(locked) else None
        return self._document, signature

    def _load_bytes(self, known: FileSignature | None = None) -> tuple[bytes | None, FileSignature | None]:
        """The content and the signature of the file; None for the content of a file with the signature `known`."""
        try:
            with durable.open_regular(self._path) as file:
                signature = FileSignature.of(os.fstat(file.fileno()))
                return None if signature == known else file.read(), signature
        except FileNotFoundError:
            return None, None
        except OSError as error:
            raise durable.refusal(error, "read the state", self._shown) from error


def _target(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a circle of links: opening the file reports it
        return path.absolute()


async def _in_thread(call: Callable[[], T]) -> T:
    # A thread cannot be stopped: if the caller is canceled, wait until the thread ends.
    work = asyncio.ensure_future(asyncio.to_thread(call))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        if not work.cancelled():
            work.exception()
        raise
