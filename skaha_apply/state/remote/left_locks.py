"""The locks of this process that a remote might still have, although their stores have given them up.

A connection can break while a lock is taken or freed. The process still runs, so it would meet its own lock. With
these IDs it recognizes that lock, and frees it. `run` opens a new store in each round, so the process keeps them.
"""

from __future__ import annotations

MOST = 10_000  # an outage of weeks: a controller leaves at most a few locks in each round


class LeftLocks:
    """The newest `MOST` IDs of such locks. Each lock has its own ID, so no lock of another process is among them."""

    def __init__(self) -> None:
        self._ids: dict[str, None] = {}  # oldest first

    def __contains__(self, lock_id: str) -> bool:
        """Whether this process had the lock with this ID, and has given it up."""
        return lock_id in self._ids

    def add(self, *ids: str) -> None:
        """Note locks that no store of this process has any more."""
        self._ids |= dict.fromkeys(ids)
        while len(self._ids) > MOST:
            del self._ids[next(iter(self._ids))]


LEFT_LOCKS = LeftLocks()
