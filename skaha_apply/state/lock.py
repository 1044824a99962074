"""The lock of a local state: the operating system's own, on a file that says who holds it.

The system's lock (`flock`) is the truth on one machine: it ends with its process, however that ends. Over a network
file system that does not pass it on, the text of the lock file is what another machine sees, until its expiry.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.model.errors import StateError, StateLocked
from skaha_apply.state import holder as holders
from skaha_apply.state.durable import refusal
from skaha_apply.state.layout import make_folder

if TYPE_CHECKING:
    from pathlib import Path

    from skaha_apply.state.holder import Holder

# Seconds that another machine keeps off after the holder last wrote; far above the longest pause between two writes.
LEASE = 3600.0
# Seconds between two prolongations of the lease.
TOUCH = 60.0


class FileLock:
    """The lock file at `path`; it is never removed, for a process might wait on it, only emptied.

    All methods are quick but may wait for a disk, and may be called from any thread. `now` is Unix seconds.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._holder: Holder | None = None
        self._mutex = threading.Lock()

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._descriptor is not None

    def take(self, ours: Holder, now: float) -> Holder | None:
        """Take the lock, or return who holds it; raises `StateError` when the disk refuses."""
        with self._mutex:
            try:
                make_folder(self._path.parent)
                descriptor = self._open(os.O_CREAT)
                if descriptor is None:
                    return replace(self._named() or _NOBODY, expires=None)  # alive: no expiry frees it
            except OSError as error:
                raise refusal(error, "lock the state by", self._path) from error
            try:
                other = holders.from_json(_read(descriptor))
                if other and not other.shares_machine(ours) and other.expires is not None and other.expires > now:
                    os.close(descriptor)
                    return other
                self._holder = replace(ours, expires=now + LEASE)
                _rewrite(descriptor, holders.to_json(self._holder))
            except OSError as error:
                os.close(descriptor)
                raise refusal(error, "lock the state by", self._path) from error
            self._descriptor = descriptor
            return None

    def touch(self, now: float) -> None:
        """Prolong what other machines see of the lease; a disk that refuses is not told, for the lock itself holds."""
        with self._mutex:
            if self._descriptor is None or self._holder is None or self._holder.expires is None:
                return
            if now < self._holder.expires - LEASE + TOUCH:
                return
            self._holder = replace(self._holder, expires=now + LEASE)
            try:
                _rewrite(self._descriptor, holders.to_json(self._holder))
            except OSError:
                return

    def free(self) -> None:
        """Give it back, if it is held; never raises."""
        with self._mutex:
            descriptor, self._descriptor, self._holder = self._descriptor, None, None
            if descriptor is None:
                return
            try:
                os.ftruncate(descriptor, 0)
            except OSError:
                pass
            finally:
                os.close(descriptor)

    def force(self, lock_id: str, now: float) -> None:
        """Empty the lock file of a holder that is gone; `lock_id` proves that it is the one that was seen.

        Raises `StateError` when nobody holds it, another id does, or its process is alive.
        """
        with self._mutex:
            try:
                descriptor = self._open(0)
            except FileNotFoundError:
                descriptor = -1
            except OSError as error:
                raise refusal(error, "open the lock", self._path) from error
            if descriptor == -1:
                raise StateError(f"the state is not locked: there is no {self._path}")
            if descriptor is None:
                raise _alive(self._named(), self._path, now)
            try:
                _check_id(holders.from_json(_read(descriptor)), lock_id, now)
                os.ftruncate(descriptor, 0)
            except OSError as error:
                raise refusal(error, "empty the lock", self._path) from error
            finally:
                os.close(descriptor)

    def _open(self, create: int) -> int | None:
        # Somebody may remove the file between our open and our lock: then ours is a lock on nothing, and again.
        while True:
            descriptor = os.open(self._path, os.O_RDWR | create | os.O_CLOEXEC, 0o666)
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

    def _named(self) -> Holder | None:
        try:
            return holders.from_json(self._path.read_bytes())
        except OSError:
            return None


_NOBODY = holders.Holder(id="", who="another process")


def locked(holder: Holder, now: float, *, source: str, alive: bool) -> StateLocked:
    """The refusal that names who holds the lock of the state at `source`, since when, and the way out.

    `alive` tells that its process is known to live, so that nothing but its end frees the lock.
    """
    way_out = "Wait for it with --lock-timeout 5m, or end that process."
    if not alive and holder.id:
        way_out = (
            "Wait for it with --lock-timeout 5m; once you know that it is gone for good, "
            f"`skaha-apply state unlock {holder.id}`."
        )
    return StateLocked(f"the state {source} is locked by {holder.describe(now)}", hint=way_out)


def _alive(holder: Holder | None, path: Path, now: float) -> StateError:
    who = (holder or _NOBODY).describe(now)
    return StateError(
        f"the lock {path} is held by a living process: {who}",
        hint="Such a lock cannot be broken; end that process, and the lock is free.",
    )


def _check_id(holder: Holder | None, lock_id: str, now: float) -> None:
    if holder is None:
        raise StateError("the state is not locked")
    if holder.id != lock_id:
        raise StateError(
            f"the lock has another id than {lock_id}: {holder.id}, of {holder.describe(now)}",
            hint="Make sure that its holder is gone before you unlock that id.",
        )


def _read(descriptor: int) -> bytes:
    return os.pread(descriptor, 65536, 0)


def _rewrite(descriptor: int, data: bytes) -> None:
    # Over what is there, and only then cut: no reader finds the file empty while the lock is held.
    os.pwrite(descriptor, data, 0)
    os.ftruncate(descriptor, len(data))
