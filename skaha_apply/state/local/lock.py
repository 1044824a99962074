"""The lock of a local state: the lock of the operating system, on a file that names its owner.

On one machine the lock of the system (`flock`) decides: it ends with its process, however the process ends. A network
file system might not forward it. Then another machine reads the text of the lock file, until the lease has ended. The
file times of the file system measure the lease, because the clocks of two machines differ.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import uuid
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.model.errors import StateError
from skaha_apply.state.lease import LEASE, SLACK, is_expired, lock_lost_error, other_lock_error
from skaha_apply.state.local.durable import open_private, read_regular, refusal
from skaha_apply.state.lock_owner import LockOwner, from_json, to_json
from skaha_apply.state.paths import make_folder

if TYPE_CHECKING:
    from pathlib import Path

    from skaha_apply.model.errors import StateLocked
    from skaha_apply.state.clocks import Clocks

# Seconds between two extensions of the lease.
EXTENSION_INTERVAL = 60.0


def lock_path(path: Path) -> Path:
    """The path of the lock file of a state file."""
    return path.with_name(f"{path.name.removesuffix('.json')}.lock")


class FileLock:
    """The lock file at `path`. It is emptied and never removed, because a process might wait for its lock.

    All methods are quick, but can wait for a disk. They can be called from any thread.
    """

    def __init__(self, path: Path, clocks: Clocks) -> None:
        self._path = path
        self._clocks = clocks
        self._extended = 0.0
        self._descriptor: int | None = None
        self._owner: LockOwner | None = None
        self._mutex = threading.Lock()
        # Seconds that the clock of this machine was ahead of that of the file system when the lock was taken.
        self.ahead = 0.0
        # When the lock was taken, in ns by the times of the file system; None without the lock.
        self.taken_at: int | None = None

    @property
    def is_owned(self) -> bool:
        """Whether this object has the lock."""
        return self._descriptor is not None

    def take(self, this_owner: LockOwner) -> LockOwner | None:
        """Take the lock, or return its owner; raises `StateError` if the file system refuses."""
        with self._mutex:
            now, self._extended = self._clocks.moment()
            try:
                make_folder(self._path.parent)
                descriptor = self._open(os.O_CREAT)
                if descriptor is None:
                    return replace(self._named() or _UNKNOWN, expires=None)  # its process runs
            except OSError as error:
                raise refusal(error, "lock the state by", self._path) from error
            try:
                other = from_json(_read(descriptor))
                if other and not other.shares_machine(this_owner):
                    left = LEASE - self._age(descriptor)
                    if left > -SLACK:
                        os.close(descriptor)
                        return replace(other, expires=now + left)
                self._owner = replace(this_owner, expires=now + LEASE)
                _overwrite(descriptor, to_json(self._owner))
                status = os.fstat(descriptor)
                self.ahead, self.taken_at = now - status.st_mtime, status.st_mtime_ns
            except OSError as error:
                os.close(descriptor)
                raise refusal(error, "lock the state by", self._path) from error
            self._descriptor = descriptor
            return None

    def find_owner(self, this_owner: LockOwner) -> LockOwner | None:
        """The owner of the lock, None if it is free; nothing is taken or written.

        The text of the file is read first, because a free lock is an empty file, so the lock of the system is asked
        only if an owner is named. `this_owner` is this process. Raises `StateError` if the file system refuses.
        """
        with self._mutex:
            if (named := self._named()) is None:
                return None
            try:
                descriptor = self._open(0)
            except FileNotFoundError:
                return None
            except OSError as error:
                raise refusal(error, "open the lock", self._path) from error
            if descriptor is None:
                return replace(named, expires=None)  # its process runs
            os.close(descriptor)
            is_left_behind = named.shares_machine(this_owner) or is_expired(named, self._clocks.wall())
            return None if is_left_behind else named

    def extend_lease(self) -> None:
        """Extend the lease that other machines see; if the file system refuses, this process still has the lock."""
        with self._mutex:
            now, running = self._clocks.moment()
            if self._descriptor is None or self._owner is None or running < self._extended + EXTENSION_INTERVAL:
                return
            self._extended = running
            self._owner = replace(self._owner, expires=now + LEASE)
            try:
                _overwrite(self._descriptor, to_json(self._owner))
            except OSError:
                return

    def check_owned(self) -> StateLocked | None:
        """Check that the lock file still names this process; None if it does, else the error that names the owner.

        On one machine it always does. Raises `StateError` if the lock was never taken, or the file system refuses.
        """
        with self._mutex:
            if self._descriptor is None or self._owner is None:
                raise StateError(f"this process does not have the lock {self._path}")
            try:
                named = from_json(read_regular(self._path))
                same = os.path.samestat(os.fstat(self._descriptor), self._path.stat())
            except FileNotFoundError:
                named, same = None, False
            except OSError as error:
                raise refusal(error, "read the lock", self._path) from error
        if same and named is not None and named.id == self._owner.id:
            return None
        if named is None:
            return lock_lost_error("another process freed it", address=self._path)
        owner = replace(named, expires=None).describe(self._clocks.wall())
        return lock_lost_error(f"its owner is now {owner}", address=self._path)

    def free(self) -> None:
        """Free the lock, if this object has it; never raises."""
        with self._mutex:
            descriptor, self._descriptor = self._descriptor, None
            this_owner, self._owner = self._owner, None
            self.taken_at = None
            if descriptor is None:
                return
            try:
                named = from_json(_read(descriptor))
                if (
                    named is None or this_owner is None or named.id == this_owner.id
                ):  # else another machine has taken it over
                    os.ftruncate(descriptor, 0)
            except OSError:
                pass
            finally:
                os.close(descriptor)

    def force(self, lock_id: str) -> None:
        """Empty the lock file of an owner that has ended; `lock_id` proves that the user means this lock.

        Raises `StateError` if the state is not locked, the lock has another ID, or the process of the owner runs.
        """
        with self._mutex:
            now = self._clocks.wall()
            try:
                descriptor = self._open(0)
            except FileNotFoundError:
                descriptor = -1
            except OSError as error:
                raise refusal(error, "open the lock", self._path) from error
            if descriptor == -1:
                raise StateError(f"the state is not locked: there is no {self._path}")
            if descriptor is None:
                raise _running_error(self._named(), self._path, now)
            try:
                _check_id(from_json(_read(descriptor)), lock_id, now)
                os.ftruncate(descriptor, 0)
            except OSError as error:
                raise refusal(error, "empty the lock", self._path) from error
            finally:
                os.close(descriptor)

    def _age(self, descriptor: int) -> float:
        """Seconds since the owner last wrote the lock file; both times come from the file system."""
        probe = self._path.with_name(f".{self._path.name}.{uuid.uuid4().hex[:12]}.tmp")
        new = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(new, b"-")
            os.fsync(new)
            return os.fstat(new).st_mtime - os.fstat(descriptor).st_mtime
        finally:
            os.close(new)
            with suppress(OSError):
                probe.unlink()

    def _open(self, create: int) -> int | None:
        # A user can remove the file between `open` and `flock`. Then the lock is on a removed file: open it again.
        while True:
            descriptor = open_private(self._path, os.O_RDWR | create)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.path.samestat(os.fstat(descriptor), self._path.stat()):
                    return descriptor
            except FileNotFoundError:
                os.close(descriptor)
            except OSError as error:
                os.close(descriptor)
                if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                    return None
                raise
            else:
                os.close(descriptor)

    def _named(self) -> LockOwner | None:
        try:
            return from_json(read_regular(self._path))
        except OSError:
            return None


_UNKNOWN = LockOwner(id="", who="another process")


def _running_error(owner: LockOwner | None, path: Path, now: float) -> StateError:
    return StateError(
        f"a running process has the lock {path}: {(owner or _UNKNOWN).describe(now)}",
        hint="The lock of a running process cannot be broken. End that process; this frees the lock.",
    )


def _check_id(owner: LockOwner | None, lock_id: str, now: float) -> None:
    if owner is None:
        raise StateError("the state is not locked")
    if owner.id != lock_id:
        raise other_lock_error(owner, lock_id, now)


def _read(descriptor: int) -> bytes:
    return os.pread(descriptor, 65536, 0)


def _overwrite(descriptor: int, data: bytes) -> None:
    # Overwrite first, then truncate: no reader finds the file empty while the state is locked.
    os.pwrite(descriptor, data, 0)
    os.ftruncate(descriptor, len(data))
    os.fsync(descriptor)  # before that, other machines on a network file system see neither the text nor its time
