"""The sandbox's stand-in for Kubernetes, as the routes see it: they create, find, list, renew and delete sessions here.

Everything happens in one event loop. Not promised: isolation, images, resource limits. A process that leaves its
process group (a daemon) is not tracked.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.sandbox.http.create import SessionIdentity
from skaha_apply.sandbox.platform import launch, processes
from skaha_apply.sandbox.platform.session_runner import SessionRunner
from skaha_apply.sandbox.platform.session_table import SessionTable
from skaha_apply.sandbox.platform.sessions import RUNNING

if TYPE_CHECKING:
    from pathlib import Path

    from skaha_apply.sandbox.clock import SandboxClock
    from skaha_apply.sandbox.http.create import AcceptedCreate
    from skaha_apply.sandbox.options import SandboxOptions
    from skaha_apply.sandbox.platform.database import SessionDatabase
    from skaha_apply.sandbox.platform.sessions import SandboxSession


class Cluster:
    """The sessions of one data folder: a table of sessions, and the processes that run for them."""

    def __init__(self, options: SandboxOptions, database: SessionDatabase, clock: SandboxClock) -> None:
        self.clock = clock
        self._initial_options = options
        self._database = database
        self._table = SessionTable(database)
        self._runner = SessionRunner(options, self._table, clock)

    @property
    def options(self) -> SandboxOptions:
        """The options in force, with the changes of `change_options`."""
        return self._runner.options

    @property
    def sessions(self) -> dict[str, SandboxSession]:
        """Listed sessions by ID."""
        return self._table.listed

    @property
    def removed(self) -> dict[str, SandboxSession]:
        """Sessions by ID that left the listing."""
        return self._table.removed

    # --- start and end of the server

    def load(self) -> None:
        """Restore the sessions of an earlier server, after killing the processes that it left running."""
        stored = self._table.load()
        unfinished = [
            session for session in stored if session.is_active or (session.started and session.stopped is None)
        ]
        leaders = {session.pid: session.birth or "" for session in unfinished if session.pid}
        processes.kill_orphans([session.id for session in unfinished], leaders)
        for session in stored:
            self._runner.restore(session)
        self._runner.schedule_starts()

    async def close(self) -> None:
        """End all processes. Running headless sessions fail; the next server starts interactive sessions again."""
        await self._runner.close()

    async def reset(self) -> None:
        """End all processes, delete all sessions, and restore the clock and the options."""
        await self._runner.reset()
        self._table.clear()
        self._runner.options = self._initial_options
        self.clock.offset = 0.0
        self.advance(0.0)

    # --- requests of users

    def new_identity(self, userid: str) -> SessionIdentity:
        """Return an unused session ID for a user."""
        identifier = launch.new_id(self._table.has)
        return SessionIdentity(identifier, userid, self.options.data, self.options.interactive_deadline)

    def create(self, create: AcceptedCreate, identity: SessionIdentity) -> SandboxSession:
        """Accept a session: headless sessions wait for a slot, the other kinds start at once."""
        session = launch.session(create, identity, self.options, self.clock.now())
        self._table.add(session)
        self._runner.submit(session)
        return session

    def delete(self, session: SandboxSession, because: str = "deleted") -> None:
        """Take a session off the listing at once, and stop its processes."""
        self._runner.delete(session, because)

    def renew(self, session: SandboxSession) -> bool:
        """Move the deadline to now plus `interactive_deadline` if that is later; False if the session does not run."""
        if session.status != RUNNING or session.started is None:
            return False
        seconds = self.clock.now() + self.options.interactive_deadline - session.started
        if seconds > session.deadline:
            session.deadline = seconds
            self._runner.save_change(session)
        return True

    def listed(self, userid: str | None, lag: float = 0.0) -> list[SandboxSession]:
        """Return the sessions of one user, or of all users, by job name, as they were `lag` seconds ago."""
        self._runner.expire_sessions()
        return self._table.listing(userid, self.clock.now(), lag)

    def find(self, identifier: str, userid: str) -> SandboxSession | None:
        """Return a listed session of a user."""
        self._runner.expire_sessions()
        session = self.sessions.get(identifier)
        return session if session is not None and session.userid == userid else None

    def find_with_pod(self, identifier: str, userid: str) -> SandboxSession | None:
        """Return a session of a user whose pod exists: it has started, and has not yet stopped after a delete."""
        self._runner.expire_sessions()
        session = self._table.get(identifier) if self._table.has(identifier) else None
        return session if session is not None and session.userid == userid and session.has_pod else None

    def interactive_count(self, userid: str) -> int:
        """Count the running interactive sessions of a user, to which the server's limit applies."""
        running = self._runner.running_interactive()
        return sum(session.userid == userid and session.is_active and session.kind != "headless" for session in running)

    def log_path(self, identifier: str) -> Path:
        """Return the path of a session's log."""
        return self._runner.log_path(identifier)

    # --- options, time and counts

    def change_options(self, **changes: object) -> None:
        """Change options of a running sandbox (slots, workdir, TTL and others) for sessions that start later."""
        self._runner.options = replace(self.options, **changes)  # type: ignore[arg-type]  # the caller checks names and types
        self._runner.schedule_starts()

    def advance(self, seconds: float) -> None:
        """Move the clock forward by `seconds`, and apply deadlines and expiries up to the new time."""
        self.clock.advance(seconds)
        self._database.set("clock", str(self.clock.offset))
        self._runner.expire_sessions()

    def reap(self) -> None:
        """Collect the processes that have exited, and start Pending sessions in their slots."""
        self._runner.reap()

    def expire_sessions(self) -> None:
        """End sessions that are past their deadline; remove those that finished more than their TTL ago."""
        self._runner.expire_sessions()

    @property
    def is_busy(self) -> bool:
        """Whether a headless session is Pending, runs, or is stopping."""
        return self._runner.is_busy

    def counts(self) -> dict[str, int]:
        """Count sessions by what they do now, and add the highest numbers so far."""
        runner = self._runner
        peaks = {"most_running": runner.most_running, "most_active": runner.most_active}
        return {**self._table.counts(), "active": runner.active_count, **peaks}
