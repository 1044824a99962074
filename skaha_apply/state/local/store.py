"""The default store: one file for each project, next to its lock, replaced as a whole with every write."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, TypeVar

from skaha_apply.model.errors import StateError
from skaha_apply.model.report import Note
from skaha_apply.state.clocks import Clocks, Proof
from skaha_apply.state.codec import Lines, decode, encode
from skaha_apply.state.local import durable
from skaha_apply.state.local.lock import FileLock, clock_warning, locked, lost
from skaha_apply.state.lock_owner import ourselves
from skaha_apply.state.paths import make_folder
from skaha_apply.state.serial import NOTHING, Version, check_next, version_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from skaha_apply.model.errors import StateLocked
    from skaha_apply.model.ports import Observer
    from skaha_apply.model.state import StateDocument

T = TypeVar("T")
_Look = tuple[int, int, int]  # how a file looked: inode, time of change in ns, size
_FIRST_RETRY = 0.1
_LONGEST_RETRY = 1.0


class LocalStore:
    """The state in the file at `path`; through a symbolic link its target is read, locked and replaced.

    Args:
        path: the state file; its folder is made with the first lock. Raises `StateError` for the root folder.
        observe: gets what a user should know although it stops nothing.
        clocks: those of this machine.
    """

    interval = 0.5

    def __init__(self, path: Path, *, observe: Observer | None = None, clocks: Clocks | None = None) -> None:
        if not path.name:
            raise StateError(f"{path} is no place for a state", hint="--state wants the path of a file.")
        self._shown = path
        self._path = _target(path)
        self._observe = observe
        self._clocks = clocks or Clocks()
        self._lock = FileLock(_lock_path(self._path), self._clocks)
        self._proof = Proof(self._clocks)
        self._known: Version | None = None
        self._lost: StateLocked | None = None
        self._seen: _Look | None = None
        self._busy = threading.Lock()
        self._lines = Lines()

    @property
    def address(self) -> str:
        """The path, as it was given."""
        return str(self._shown)

    async def acquire(self, operation: str, timeout: float) -> None:  # noqa: ASYNC109 - a user's option
        """Take the lock; a held one is tried again for `timeout` seconds, then raises `StateLocked`."""
        try:
            await self._take(operation, timeout)
            await _in_thread(self._sweep)
        except asyncio.CancelledError:
            self._lock.free()
            raise

    async def _take(self, operation: str, patience: float) -> None:
        ours = ourselves(operation, self.address, self._clocks.wall())
        clock = asyncio.get_running_loop().time
        deadline = clock() + patience
        pause = _FIRST_RETRY
        while True:
            begun = self._clocks.moment()
            holder = await _in_thread(lambda: self._lock.take(ours))
            if holder is None:
                self._lost = None
                self._proof.renew(begun)
                self._note_clock()
                return
            left = deadline - clock()
            if left <= 0:
                raise locked(holder, self._clocks.wall(), source=self.address, alive=holder.expires is None)
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_RETRY)

    async def release(self) -> None:
        """Give the lock back, after a write that is still under way; never raises."""
        await _in_thread(self._release)

    async def read(self) -> StateDocument | None:
        """The document, None when there is no file; raises `StateError`."""
        return await _in_thread(self._read)

    async def read_bytes(self) -> bytes | None:
        """The file as it is, unchecked; None when there is none; raises `StateError`."""
        return (await _in_thread(self._load_bytes))[0]

    async def write(self, document: StateDocument) -> None:
        """Replace the file durably; raises `StateError`, also when it is not the one that was read before."""
        await _in_thread(lambda: self._write(document))

    async def prove(self) -> None:
        """Look again whether lock and state are still ours, unless the proof is fresh; raises `StateLocked`."""
        if not self._proof.fresh:
            await _in_thread(self._prove)

    async def remove(self) -> None:
        """Remove the file, under the lock; raises `StateError`."""
        await _in_thread(self._remove)

    async def unlock(self, lock_id: str) -> None:
        """Free a lock whose holder is gone; raises `StateError` when it has another id, or its process is alive."""
        await _in_thread(lambda: self._lock.force(lock_id))

    def _sweep(self) -> None:
        for leftover in durable.leftovers(self._path):
            try:
                leftover.unlink(missing_ok=True)
            except OSError:  # it does no harm
                continue

    def _release(self) -> None:
        with self._busy:
            self._lock.free()

    def _read(self) -> StateDocument | None:
        with self._busy:
            document, self._seen = self._load()
            self._known = version_of(document)
            return document

    def _write(self, document: StateDocument) -> None:
        with self._busy:
            data = encode(document, self._lines)
            self._check_locked()
            self._check_proof()
            self._check_unmoved(document)
            begun = self._clocks.moment()
            try:
                make_folder(self._path.parent)
                durable.replace(self._path, data, private=True)
                self._known = version_of(document)
                self._seen = _look(self._path)
            except OSError as error:
                raise durable.refusal(error, "write the state", self._shown) from error
            self._lock.touch()
            self._proof.renew(begun)

    def _remove(self) -> None:
        with self._busy:
            self._check_locked()
            self._check_proof()
            try:
                self._path.unlink(missing_ok=True)
                durable.sync_folder(self._path.parent)
            except OSError as error:
                raise durable.refusal(error, "remove the state", self._shown) from error
            self._known, self._seen = NOTHING, None

    def _check_locked(self) -> None:
        if not self._lock.held:
            raise StateError(f"the state {self.address} is not locked by this process, so it is not written")

    def _prove(self) -> None:
        with self._busy:
            self._check_locked()
            self._check_proof()

    def _check_proof(self) -> None:
        """Prove the lock again if the last proof is too old: the lock file names us, and the state is as we know it."""
        if self._proof.fresh:
            return
        if self._lost is None:
            begun = self._clocks.moment()
            self._lost = self._lock.prove()
            if self._lost is None and self._known is not None and (stored := self._stored()) != self._known:
                self._lost = lost(f"the state has {stored} now, not {self._known}", source=self.address)
        if self._lost is not None:
            raise self._lost
        self._lock.touch()
        self._proof.renew(begun)

    def _check_unmoved(self, document: StateDocument) -> None:
        check_next(self.address, self._known, self._stored(), document)

    def _stored(self) -> Version:
        try:
            if self._known is not None and _look(self._path) == self._seen:
                return self._known
        except OSError as error:
            raise durable.refusal(error, "read the state", self._shown) from error
        return version_of(self._load()[0])

    def _note_clock(self) -> None:
        warning = clock_warning(self._lock.ahead, f"the file system of {self.address}")
        if warning and self._observe is not None:
            self._observe(Note(warning))

    def _load(self) -> tuple[StateDocument | None, _Look | None]:
        data, look = self._load_bytes()
        return (None if data is None else decode(data, self.address)), look

    def _load_bytes(self) -> tuple[bytes | None, _Look | None]:
        try:
            with self._path.open("rb") as file:
                look = _signature(os.fstat(file.fileno()))
                return file.read(), look
        except FileNotFoundError:
            return None, None
        except OSError as error:
            raise durable.refusal(error, "read the state", self._shown) from error


def _target(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):  # a circle of links: opening it says so
        return path.absolute()


def _lock_path(path: Path) -> Path:
    return path.with_name(f"{path.name.removesuffix('.json')}.lock")


def _look(path: Path) -> _Look | None:
    try:
        return _signature(path.stat())
    except FileNotFoundError:
        return None


def _signature(status: os.stat_result) -> _Look:
    return (status.st_ino, status.st_mtime_ns, status.st_size)


async def _in_thread(call: Callable[[], T]) -> T:
    # A thread cannot be stopped: when the caller is cancelled, what was begun is still seen to its end.
    work = asyncio.ensure_future(asyncio.to_thread(call))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        if not work.cancelled():
            work.exception()
        raise
