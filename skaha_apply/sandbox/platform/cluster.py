"""The sandbox's stand-in for Kubernetes: sessions as local processes, a queue, expiry, deadlines, deletion.

Everything happens in one event loop. Not promised: isolation, images, resource limits; a process that leaves its
group (a daemon) is not followed.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import OrderedDict
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.sandbox import environment
from skaha_apply.sandbox.http.create import SessionIdentity
from skaha_apply.sandbox.platform import launch, processes
from skaha_apply.sandbox.platform.process_groups import ProcessGroups
from skaha_apply.sandbox.platform.sessions import COMPLETED, FAILED, PENDING, RUNNING, SandboxSession

if TYPE_CHECKING:
    from pathlib import Path

    from skaha_apply.sandbox.clock import SandboxClock
    from skaha_apply.sandbox.http.create import AcceptedCreate
    from skaha_apply.sandbox.options import SandboxOptions
    from skaha_apply.sandbox.platform.database import SessionDatabase

_START_ERROR = 128
_SIGNALLED = 128


class Cluster:
    """Sessions of one data folder: `sessions` are listed, `past` are gone, in the order of creation or departure."""

    def __init__(self, options: SandboxOptions, database: SessionDatabase, clock: SandboxClock) -> None:
        self.options = options
        self.clock = clock
        self.sessions: dict[str, SandboxSession] = {}
        self.past: dict[str, SandboxSession] = {}
        self.most_running = 0
        self.most_active = 0
        self._database = database
        self._pending: OrderedDict[str, None] = OrderedDict()
        self._groups = ProcessGroups()
        self._in_slots: set[str] = set()
        self._expiries: list[tuple[float, str]] = []
        self._evicted: set[str] = set()
        self._closing = False
        self._starter: asyncio.Task[None] | None = None

    # --- life of the cluster

    def load(self) -> None:
        """Read what an earlier server left: queued sessions wait again, what ran failed, others start again."""
        stored = sorted(self._database.sessions(), key=lambda session: (session.created, session.gone or 0))
        unfinished = [
            session for session in stored if session.is_active or (session.started and session.stopped is None)
        ]
        leaders = {session.pid: session.birth or "" for session in unfinished if session.pid}
        processes.kill_orphans([session.id for session in unfinished], leaders)
        for session in stored:
            self._restore(session)
        self._schedule_starts()

    def _restore(self, session: SandboxSession) -> None:
        (self.sessions if session.gone is None else self.past)[session.id] = session
        if session.gone is not None:
            if session.stopped is None:
                self._mark_pod_removed(session)
            return
        if session.status == PENDING:
            self._pending[session.id] = None
        elif session.status == RUNNING and session.kind != "headless":
            self._start(session)
        elif session.status == RUNNING:
            session.add_event(
                "Killing", "The sandbox was restarted; the container did not survive it", self.clock.now(), "Warning"
            )
            self._finish(session, FAILED, None)
        elif session.stopped is None:
            self._mark_pod_removed(session)
        self._schedule_expiry(session)

    async def close(self) -> None:
        """End all processes: what runs headless has failed, interactive sessions start again with the next server."""
        self._closing = True
        self._pending.clear()
        for identifier in self._groups:
            session = self.sessions.get(identifier)
            if session is not None and session.status == RUNNING and session.kind == "headless":
                session.add_event("Killing", "The sandbox was stopped", self.clock.now(), "Warning")
                self._finish(session, FAILED, None)
        await self._groups.end_all(self.options.grace, self.reap)

    async def reset(self) -> None:
        """End all processes and forget all sessions."""
        self._pending.clear()
        for session in list(self.sessions.values()):
            self.delete(session, "reset")
        await self._groups.end_all(0, self.reap)
        for identifier in self.past:
            self.log_path(identifier).unlink(missing_ok=True)
        self.past.clear()
        self._expiries.clear()
        self._database.clear()
        self.most_running = self.most_active = 0

    # --- what users ask for

    def new_identity(self, userid: str) -> SessionIdentity:
        """Give a free id for a session of a user."""
        identifier = launch.new_id(lambda one: one in self.sessions or one in self.past)
        return SessionIdentity(identifier, userid, self.options.data, self.options.interactive_deadline)

    def create(self, create: AcceptedCreate, identity: SessionIdentity) -> SandboxSession:
        """Accept a session: headless ones queue for a slot, the others start at once."""
        session, identifier = launch.session(create, identity, self.options, self.clock.now()), identity.session_id
        self.sessions[identifier] = session
        if session.kind == "headless":
            self._pending[identifier] = None
            self._database.write(session)
            self._schedule_starts()
        else:
            self._start(session)
        self._update_peaks()
        return session

    def delete(self, session: SandboxSession, because: str = "deleted") -> None:
        """Take a session off the listing at once; its processes get SIGTERM, and SIGKILL after the grace."""
        now = self.clock.now()
        del self.sessions[session.id]
        self.past[session.id] = session
        session.gone, session.gone_because = now, because
        self._pending.pop(session.id, None)
        if session.id in self._groups:
            session.add_event("Killing", "Stopping container", now)
            self._groups.terminate(session.id, self.options.grace)
        else:
            self._mark_pod_removed(session)
        self._database.write(session)

    def renew(self, session: SandboxSession) -> bool:
        """Move the deadline to now plus the interactive one if that is later; False unless started and unfinished."""
        if session.status != RUNNING or session.started is None:
            return False
        seconds = self.clock.now() + self.options.interactive_deadline - session.started
        if seconds > session.deadline:
            session.deadline = seconds
            self._save_change(session)
        return True

    def listed(self, userid: str | None, lag: float = 0.0) -> list[SandboxSession]:
        """Give the sessions of one user, or of all, by job name; `lag` seconds old is what the listing knows."""
        self.expire_sessions()
        found: list[SandboxSession] = list(self.sessions.values())
        if lag > 0:
            now = self.clock.now()
            found = [session for session in found if now - session.created >= lag]
            for session in reversed(self.past.values()):
                if session.gone is None or now - session.gone >= lag:
                    break
                if session.gone_because == "deleted" and now - session.created >= lag:
                    found.append(session)
        return sorted((one for one in found if userid in (None, one.userid)), key=lambda one: one.job_name)

    def find(self, identifier: str, userid: str) -> SandboxSession | None:
        """Give a listed session of a user."""
        self.expire_sessions()
        session = self.sessions.get(identifier)
        return session if session is not None and session.userid == userid else None

    def find_with_pod(self, identifier: str, userid: str) -> SandboxSession | None:
        """Give a session of a user whose pod still exists: started, and not yet stopped after it was deleted."""
        self.expire_sessions()
        session = self.sessions.get(identifier) or self.past.get(identifier)
        return session if session is not None and session.userid == userid and session.has_pod else None

    def interactive_count(self, userid: str) -> int:
        """Count what the limit of interactive sessions counts: those of the user, not headless, that run."""
        mine = (self.sessions[one] for one in self._groups if one in self.sessions and one not in self._in_slots)
        return sum(session.userid == userid and session.is_active and session.kind != "headless" for session in mine)

    def log_path(self, identifier: str) -> Path:
        """Give the path of a session's log."""
        return self.options.data / "logs" / f"{identifier}.log"

    @property
    def is_busy(self) -> bool:
        """Whether a headless session is queued, runs, or still stops."""
        return bool(self._pending or self._in_slots)

    # --- processes

    def change_options(self, **changes: object) -> None:
        """Change options of a running sandbox: slots, workdir, ttl and the like; they hold from the next session on."""
        self.options = replace(self.options, **changes)  # type: ignore[arg-type]  # names and types are checked by the caller
        self._schedule_starts()

    def _schedule_starts(self) -> None:
        if self._pending and (self._starter is None or self._starter.done()):
            self._starter = asyncio.get_running_loop().create_task(self._start_pending())

    async def _start_pending(self) -> None:
        while self._pending and len(self._in_slots) < self.options.slots:
            identifier, _ = self._pending.popitem(last=False)
            self._start(self.sessions[identifier])
            await asyncio.sleep(0)

    def _start(self, session: SandboxSession) -> None:
        now = self.clock.now()
        session.status = RUNNING
        session.started = session.started or now
        session.add_event("Scheduled", f"Successfully assigned skaha-workload/{session.job_name} to sandbox", now)
        session.add_event("Pulled", f'Container image "{session.image}" already present on machine', now)
        self._database.write(session)
        env = {**environment.for_sessions(), **session.env}
        log, keep_stdin_open = self.log_path(session.id), session.kind != "headless"
        try:
            child = processes.spawn(session.argv, env, self.options.workdir, log, keep_stdin_open=keep_stdin_open)
        except (OSError, ValueError) as error:
            session.add_event("Failed", launch.start_error(session.argv, error, self.options.workdir), now, "Warning")
            self._finish(session, FAILED, _START_ERROR)
            self._mark_stopped(session)
            return
        session.pid, session.birth = child.pid, child.birth
        session.add_event("Created", f"Created container: {session.job_name}", now)
        session.add_event("Started", f"Started container {session.job_name}", now)
        self._groups.add(session.id, child)
        if session.kind == "headless":
            self._in_slots.add(session.id)
        self._update_peaks()
        self._save_change(session)

    def reap(self) -> None:
        """See which processes have ended."""
        for identifier, code in self._groups.collect_exited():
            self._in_slots.discard(identifier)
            self._handle_exit(self.sessions.get(identifier) or self.past[identifier], code)
        self._schedule_starts()

    def _handle_exit(self, session: SandboxSession, code: int) -> None:
        """Note that the last process of a session ended: by itself, because it was deleted, or with the server."""
        if session.gone is not None or session.id in self._evicted:
            self._evicted.discard(session.id)
            self._mark_pod_removed(session)
        elif session.kind == "headless":
            if session.status == RUNNING:
                self._finish(session, COMPLETED if code == 0 else FAILED, code if code >= 0 else _SIGNALLED - code)
            self._mark_stopped(session)
        elif not self._closing:
            self._start(session)

    def _finish(self, session: SandboxSession, status: str, code: int | None) -> None:
        session.status, session.exit_code = status, code
        session.ended = self.clock.now()
        self._save_change(session)

    def _mark_stopped(self, session: SandboxSession) -> None:
        session.stopped = self.clock.now()
        self._database.write(session)

    def _mark_pod_removed(self, session: SandboxSession) -> None:
        """Note that nothing of a session runs any more, and that its log and events are gone with its pod."""
        session.stopped = session.stopped or self.clock.now()
        session.pod_gone = self.clock.now()
        with suppress(OSError):
            self.log_path(session.id).unlink(missing_ok=True)
        self._database.write(session)

    # --- time

    def advance(self, seconds: float) -> None:
        """Move the clock forward, and let happen what is due by then."""
        self.clock.advance(seconds)
        self._database.set("clock", str(self.clock.offset))
        self.expire_sessions()

    def expire_sessions(self) -> None:
        """End what is past its deadline and remove what finished longer than its TTL ago."""
        now = self.clock.now()
        while self._expiries and self._expiries[0][0] <= now:
            _, identifier = heapq.heappop(self._expiries)
            session = self.sessions.get(identifier)
            if session is None:
                continue
            if session.ended is not None and session.ended + session.ttl <= now:
                self.delete(session, "expired")
            elif (
                session.status == RUNNING and session.started is not None and session.started + session.deadline <= now
            ):
                session.add_event(
                    "DeadlineExceeded", "JobFields was active longer than specified deadline", now, "Warning"
                )
                self._finish(session, FAILED, None)
                self._evicted.add(identifier)
                self._groups.terminate(identifier, self.options.grace)

    def _schedule_expiry(self, session: SandboxSession) -> None:
        if session.ended is not None:
            heapq.heappush(self._expiries, (session.ended + session.ttl, session.id))
        elif session.started is not None:
            heapq.heappush(self._expiries, (session.started + session.deadline, session.id))

    def _save_change(self, session: SandboxSession) -> None:
        session.cached_json = None
        self._database.write(session)
        self._schedule_expiry(session)

    # --- numbers

    def _update_peaks(self) -> None:
        self.most_running = max(self.most_running, len(self._in_slots))
        self.most_active = max(self.most_active, self.active_count)

    @property
    def active_count(self) -> int:
        """How many sessions are queued, run or still stop, of all kinds."""
        return len(self._pending) + len(self._groups)

    def counts(self) -> dict[str, int]:
        """Count sessions by what they do now."""
        listed = self.sessions.values()
        return {
            "pending": sum(session.status == PENDING for session in listed),
            "running": sum(session.status == RUNNING for session in listed),
            "finished": sum(not session.is_active for session in listed),
            "gone": len(self.past),
            "active": self.active_count,
            "most_running": self.most_running,
            "most_active": self.most_active,
        }
