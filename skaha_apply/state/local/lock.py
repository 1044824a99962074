"""The lock of a local state: the operating system's own, on a file that names its owner.

The system's lock (`flock`) is the truth on one machine: it ends with its process, however that ends. Over a network
file system that does not forward it, another machine sees the text of the lock file, until the lease has ended. The
lease is measured by the times that the file system gives to files, because the clocks of two machines differ.
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

from skaha_apply.model.errors import StateError, StateLocked
from skaha_apply.state import lock_owner as holders
from skaha_apply.state.clocks import TOLERANCE
from skaha_apply.state.lease import LEASE, SLACK
from skaha_apply.state.local.durable import open_private, refusal
from skaha_apply.state.paths import make_folder

if TYPE_CHECKING:
    from pathlib import Path

    from skaha_apply.state.clocks import Clocks
    from skaha_apply.state.lock_owner import Holder

# Seconds between two extensions of the lease.
TOUCH = 60.0


class FileLock:
    """The lock file at `path`; it is never removed, for a process might wait on it, only emptied.

    All methods are quick but may wait for a disk, and may be called from any thread.
    """

    def __init__(self, path: Path, clocks: Clocks) -> None:
        self._path = path
        self._clocks = clocks
        self._touched = 0.0
        self._descriptor: int | None = None
        self._holder: Holder | None = None
        self._mutex = threading.Lock()
        self.ahead = (
            0.0  # seconds that the clock of this machine was ahead of the file system's when the lock was taken
        )

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._descriptor is not None

    def take(self, ours: Holder) -> Holder | None:
        """Take the lock, or return who holds it; raises `StateError` when the disk refuses."""
        with self._mutex:
            now, self._touched = self._clocks.moment()
            try:
                make_folder(self._path.parent)
                descriptor = self._open(os.O_CREAT)
                if descriptor is None:
                    return replace(self._named() or _NOBODY, expires=None)  # alive: no expiry frees it
            except OSError as error:
                raise refusal(error, "lock the state by", self._path) from error
            try:
                other = holders.from_json(_read(descriptor))
                if other and not other.shares_machine(ours):
                    left = LEASE - self._age(descriptor)
                    if left > -SLACK:
                        os.close(descriptor)
                        return replace(other, expires=now + left)
                self._holder = replace(ours, expires=now + LEASE)
                _rewrite(descriptor, holders.to_json(self._holder))
                self.ahead = now - os.fstat(descriptor).st_mtime
            except OSError as error:
                os.close(descriptor)
                raise refusal(error, "lock the state by", self._path) from error
            self._descriptor = descriptor
            return None

    def touch(self) -> None:
        """Extend the lease that other machines see; if the disk refuses, we have the lock all the same."""
        with self._mutex:
            now, running = self._clocks.moment()
            if self._descriptor is None or self._holder is None or running < self._touched + TOUCH:
                return
            self._touched = running
            self._holder = replace(self._holder, expires=now + LEASE)
            try:
                _rewrite(self._descriptor, holders.to_json(self._holder))
            except OSError:
                return

    def prove(self) -> StateLocked | None:
        """Look whether the lock file still names us; None if it does, else the error that tells who has the lock.

        On one machine it always does. Raises `StateError` when the lock was never taken, or the disk refuses.
        """
        with self._mutex:
            if self._descriptor is None or self._holder is None:
                raise StateError(f"the lock {self._path} is not held by this process")
            try:
                named = holders.from_json(self._path.read_bytes())
                same = os.path.samestat(os.fstat(self._descriptor), self._path.stat())
            except FileNotFoundError:
                named, same = None, False
            except OSError as error:
                raise refusal(error, "read the lock", self._path) from error
        if same and named is not None and named.id == self._holder.id:
            return None
        why = (
            "somebody freed it"
            if named is None
            else f"{replace(named, expires=None).describe(self._clocks.wall())} has it now"
        )
        return lost(why, source=self._path)

    def free(self) -> None:
        """Give it back, if it is held; never raises."""
        with self._mutex:
            descriptor, self._descriptor = self._descriptor, None
            ours, self._holder = self._holder, None
            if descriptor is None:
                return
            try:
                named = holders.from_json(_read(descriptor))
                if named is None or ours is None or named.id == ours.id:  # else another machine took it over
                    os.ftruncate(descriptor, 0)
            except OSError:
                pass
            finally:
                os.close(descriptor)

    def force(self, lock_id: str) -> None:
        """Empty the lock file of a holder that is gone; `lock_id` proves that it is the one that was seen.

        Raises `StateError` when nobody holds it, another id does, or its process is alive.
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
                raise _alive(self._named(), self._path, now)
            try:
                _check_id(holders.from_json(_read(descriptor)), lock_id, now)
                os.ftruncate(descriptor, 0)
            except OSError as error:
                raise refusal(error, "empty the lock", self._path) from error
            finally:
                os.close(descriptor)

    def _age(self, descriptor: int) -> float:
        """Seconds since the owner last wrote the lock file; both ends are times of the file system."""
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
        # Somebody may remove the file between our open and our lock: then ours is a lock on nothing, and again.
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


def lost(why: str, *, source: object) -> StateLocked:
    """The error of an owner that slept while its lock was taken over; `why` tells what shows it."""
    return StateLocked(
        f"the lock of the state {source} is lost: {why}; nothing more was sent",
        hint="This process slept or was stopped for too long. Once the other run has ended, repeat the command: it "
        "starts from the stored state, and finds what this run created.",
    )


def clock_warning(ahead: float, what: str) -> str | None:
    """The warning about a clock of this machine that is wrong by `ahead` seconds; None when it is right."""
    if abs(ahead) <= TOLERANCE:
        return None
    way = "ahead of" if ahead > 0 else "behind"
    return (
        f"the clock of this machine is {holders.age(60.0 * round(abs(ahead) / 60))} {way} that of {what}; "
        "the lock is measured by the other clock, but correct this one"
    )


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
    os.fsync(descriptor)  # until then a network file system shows other machines neither the text nor its time
