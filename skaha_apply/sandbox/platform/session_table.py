"""All sessions of one data folder: those that the server lists, and those that left the listing.

Each change is written to the database, so that a restarted server continues with the same sessions.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.sandbox.platform.sessions import PENDING, RUNNING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skaha_apply.sandbox.platform.database import SessionDatabase
    from skaha_apply.sandbox.platform.sessions import SandboxSession


class SessionTable:
    """Sessions by ID: `listed` in the order of their creates, `removed` in the order in which they left the listing."""

    def __init__(self, database: SessionDatabase) -> None:
        self.listed: dict[str, SandboxSession] = {}
        self.removed: dict[str, SandboxSession] = {}
        self._database = database
        self._attempts: Counter[tuple[str, str]] = Counter()

    def load(self) -> list[SandboxSession]:
        """Read all sessions from the database and return them in the order of their creates."""
        stored = sorted(self._database.sessions(), key=lambda session: (session.created, session.gone or 0))
        for session in stored:
            (self.listed if session.gone is None else self.removed)[session.id] = session
            self._attempts[session.userid, session.name] += 1
        return stored

    def has(self, identifier: str) -> bool:
        """Whether a session with this ID exists, listed or removed."""
        return identifier in self.listed or identifier in self.removed

    def get(self, identifier: str) -> SandboxSession:
        """Return a session, listed or removed; raises KeyError for an unknown ID."""
        return self.listed.get(identifier) or self.removed[identifier]

    def add(self, session: SandboxSession) -> None:
        """Put a new session on the listing; the caller saves it."""
        self.listed[session.id] = session
        self._attempts[session.userid, session.name] += 1
        session.attempt = self._attempts[session.userid, session.name]

    def remove(self, session: SandboxSession, now: float, because: str) -> None:
        """Take a session off the listing at once; the caller saves it."""
        del self.listed[session.id]
        self.removed[session.id] = session
        session.gone, session.gone_because = now, because

    def save(self, session: SandboxSession) -> None:
        """Write a session to the database."""
        self._database.write(session)

    def save_change(self, session: SandboxSession) -> None:
        """Write a session whose listed fields have changed."""
        session.cached_json = None
        self._database.write(session)

    def clear(self) -> None:
        """Delete all sessions, also from the database."""
        self.listed.clear()
        self.removed.clear()
        self._attempts.clear()
        self._database.clear()

    def listing(self, userid: str | None, now: float, lag: float) -> list[SandboxSession]:
        """Return the sessions of one user, or of all users, ordered by job name.

        `lag` is the age of the listing in seconds: younger sessions are missing, and sessions that were deleted less
        than `lag` seconds ago are still there.
        """
        found = list(self.listed.values()) if lag <= 0 else list(self._stale_listing(now, lag))
        mine = (session for session in found if userid in (None, session.userid))
        return sorted(mine, key=lambda session: session.job_name)

    def _stale_listing(self, now: float, lag: float) -> Iterator[SandboxSession]:
        for session in self.listed.values():
            if now - session.created >= lag:
                yield session
        for session in reversed(self.removed.values()):
            if session.gone is None or now - session.gone >= lag:
                break
            if session.gone_because == "deleted" and now - session.created >= lag:
                yield session

    def counts(self) -> dict[str, int]:
        """Count the listed sessions by status, and the removed ones."""
        listed = self.listed.values()
        return {
            "pending": sum(session.status == PENDING for session in listed),
            "running": sum(session.status == RUNNING for session in listed),
            "finished": sum(not session.is_active for session in listed),
            "gone": len(self.removed),
        }
