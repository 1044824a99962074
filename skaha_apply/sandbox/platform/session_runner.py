"""Starts, stops and expires the processes of sessions, as the Kubernetes jobs of the platform would.

At most `slots` headless sessions run at once. Sessions of the other kinds use no slot.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING

from skaha_apply.sandbox import environment
from skaha_apply.sandbox.platform import launch, processes
from skaha_apply.sandbox.platform.pretended import PretendedRun, append_log, end_of
from skaha_apply.sandbox.platform.process_groups import ProcessGroups
from skaha_apply.sandbox.platform.sessions import COMPLETED, FAILED, PENDING, RUNNING, SandboxSession
from skaha_apply.sandbox.text.mounts import Mounts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from skaha_apply.sandbox.clock import SandboxClock
    from skaha_apply.sandbox.options import SandboxOptions
    from skaha_apply.sandbox.platform.session_table import SessionTable

_START_ERROR = 128
_SIGNALED = 128
_AFTER_END_S = 0.001
_KILLED = 137  # the exit code of a container whose process got SIGKILL


class SessionRunner:
    """The queue and the processes of the sessions in a table.

    `most_running` and `most_active` are the highest numbers of headless processes and of active sessions so far.
    """

    def __init__(self, options: SandboxOptions, table: SessionTable, clock: SandboxClock) -> None:
        self.options = options
        self.most_running = 0
        self.most_active = 0
        self._clock = clock
        self._pretend = options.rehearsal.pretend
        self._mounts = Mounts(options.rehearsal.mounts)
        self._table = table
        self._pending: OrderedDict[str, None] = OrderedDict()
        self._groups = ProcessGroups()
        self._in_slots: set[str] = set()
        self._expiries: list[tuple[float, str]] = []
        self._evicted: set[str] = set()
        self._closing = False
        self._starter: asyncio.Task[None] | None = None

    # --- start and end of the server

    def restore(self, session: SandboxSession) -> None:
        """Continue with a session of an earlier server.

        A Pending session is queued again, an interactive session starts again, a headless session that ran has failed.
        """
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
                "Killing", "The sandbox was restarted; the container did not survive it", self._clock.now(), "Warning"
            )
            self._finish(session, FAILED, None)
        elif session.stopped is None:
            self._mark_pod_removed(session)
        self._schedule_expiry(session)

    async def close(self) -> None:
        """End all processes. Running headless sessions fail; the next server starts interactive sessions again."""
        self._closing = True
        self._pending.clear()
        for identifier in self._groups:
            session = self._table.listed.get(identifier)
            if session is not None and session.status == RUNNING and session.kind == "headless":
                session.add_event("Killing", "The sandbox was stopped", self._clock.now(), "Warning")
                self._finish(session, FAILED, None)
        await self._groups.end_all(self.options.grace, self.reap)

    async def reset(self) -> None:
        """Take all sessions off the listing, end their processes and delete their logs."""
        self._pending.clear()
        for session in list(self._table.listed.values()):
            self.delete(session, "reset")
        await self._groups.end_all(0, self.reap)
        for identifier in self._table.removed:
            self.log_path(identifier).unlink(missing_ok=True)
        self._expiries.clear()
        self.most_running = self.most_active = 0

    # --- processes

    def submit(self, session: SandboxSession) -> None:
        """Queue a new headless session for a slot; start a session of another kind at once."""
        if session.kind == "headless":
            self._pending[session.id] = None
            self._table.save(session)
            self.schedule_starts()
        else:
            self._start(session)
        self._update_peaks()

    def schedule_starts(self) -> None:
        """Start Pending sessions while slots are free."""
        if self._pending and (self._starter is None or self._starter.done()):
            self._starter = asyncio.get_running_loop().create_task(self._start_pending())

    async def _start_pending(self) -> None:
        while self._pending and len(self._in_slots) < self.options.slots:
            identifier, _ = self._pending.popitem(last=False)
            self._start(self._table.listed[identifier])
            await asyncio.sleep(0)

    def _start(self, session: SandboxSession) -> None:
        now = self._clock.now()
        session.status = RUNNING
        session.started = session.started or now
        session.add_event("Scheduled", f"Successfully assigned skaha-workload/{session.job_name} to sandbox", now)
        session.add_event("Pulled", f'Container image "{session.image}" already present on machine', now)
        self._table.save(session)
        argv = self._mounts.words(session.argv)
        try:
            child = self._spawn(session, argv) if self._pretend is None else self._start_pretended(session)
        except (OSError, ValueError) as error:
            session.add_event("Failed", launch.start_error(argv, error, self.options.workdir), now, "Warning")
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
        self.save_change(session)

    def _spawn(self, session: SandboxSession, argv: Sequence[str]) -> processes.ChildProcess:
        """Start the process of a session; raises OSError or ValueError."""
        env = {**environment.for_sessions(), **self._mounts.variables(session.env)}
        log, interactive = self.log_path(session.id), session.kind != "headless"
        return processes.spawn(argv, env, self.options.workdir, log, keep_stdin_open=interactive)

    def _start_pretended(self, session: SandboxSession) -> PretendedRun:
        """Start the time of a session that runs nothing; raises OSError."""
        rehearsal = self.options.rehearsal
        if session.kind != "headless" or self._pretend is None:
            return PretendedRun(None)
        first = f"sandbox: takes {self._pretend:g} s instead of running {session.argv[0]}"
        append_log(self.log_path(session.id), [first])
        seconds = self._pretend / rehearsal.speed
        asyncio.get_running_loop().call_later(seconds + _AFTER_END_S, self.reap)
        return PretendedRun(seconds, end_of(session, rehearsal.fail).code)

    def delete(self, session: SandboxSession, because: str = "deleted") -> None:
        """Take a session off the listing at once; its processes get SIGTERM, and SIGKILL after the grace period."""
        now = self._clock.now()
        self._table.remove(session, now, because)
        self._pending.pop(session.id, None)
        if session.id in self._groups:
            session.add_event("Killing", "Stopping container", now)
            self._groups.terminate(session.id, self.options.grace)
        else:
            self._mark_pod_removed(session)
        self._table.save(session)

    def reap(self) -> None:
        """Collect the processes that have exited, and start Pending sessions in their slots."""
        for identifier, code in self._groups.collect_exited():
            self._in_slots.discard(identifier)
            self._handle_exit(self._table.get(identifier), code)
        self.schedule_starts()

    def _handle_exit(self, session: SandboxSession, code: int) -> None:
        """Record why the last process ended: by itself, after a delete or a deadline, or with the server."""
        if session.gone is not None or session.id in self._evicted:
            self._evicted.discard(session.id)
            self._mark_pod_removed(session)
        elif session.kind == "headless":
            if session.status == RUNNING:
                self._record_pretended_failure(session, code)
                status = code if code >= 0 else _SIGNALED - code
                if status == _KILLED and not self._closing:  # nothing here sends SIGKILL to a session that runs
                    message = "Memory cgroup out of memory: the process got SIGKILL"
                    session.add_event("OOMKilling", message, self._clock.now(), "Warning")
                self._finish(session, COMPLETED if code == 0 else FAILED, status)
            self._mark_stopped(session)
        elif not self._closing:
            self._start(session)

    def _record_pretended_failure(self, session: SandboxSession, code: int) -> None:
        if self._pretend is not None and code > 0:
            end = end_of(session, self.options.rehearsal.fail)
            with suppress(OSError):
                append_log(self.log_path(session.id), end.lines)
            if end.event is not None:
                session.add_event(*end.event, self._clock.now(), "Warning")

    def _finish(self, session: SandboxSession, status: str, code: int | None) -> None:
        session.status, session.exit_code = status, code
        session.ended = self._clock.now()
        self.save_change(session)

    def _mark_stopped(self, session: SandboxSession) -> None:
        session.stopped = self._clock.now()
        self._table.save(session)

    def _mark_pod_removed(self, session: SandboxSession) -> None:
        """Record that no process of a session runs; its log and events are deleted with its pod."""
        session.stopped = session.stopped or self._clock.now()
        session.pod_gone = self._clock.now()
        with suppress(OSError):
            self.log_path(session.id).unlink(missing_ok=True)
        self._table.save(session)

    def log_path(self, identifier: str) -> Path:
        """Return the path of a session's log."""
        return self.options.data / "logs" / f"{identifier}.log"

    # --- time

    def expire_sessions(self) -> None:
        """End sessions that are past their deadline; remove those that finished more than their TTL ago."""
        now = self._clock.now()
        while self._expiries and self._expiries[0][0] <= now:
            _, identifier = heapq.heappop(self._expiries)
            session = self._table.listed.get(identifier)
            if session is None:
                continue
            if session.ended is not None and session.ended + session.ttl <= now:
                self.delete(session, "expired")
            elif (
                session.status == RUNNING and session.started is not None and session.started + session.deadline <= now
            ):
                session.add_event("DeadlineExceeded", "Job was active longer than specified deadline", now, "Warning")
                self._finish(session, FAILED, None)
                self._evicted.add(identifier)
                self._groups.terminate(identifier, self.options.grace)

    def _schedule_expiry(self, session: SandboxSession) -> None:
        if session.ended is not None:
            heapq.heappush(self._expiries, (session.ended + session.ttl, session.id))
        elif session.started is not None:
            heapq.heappush(self._expiries, (session.started + session.deadline, session.id))

    def save_change(self, session: SandboxSession) -> None:
        """Save a session whose listed fields or deadline have changed."""
        self._table.save_change(session)
        self._schedule_expiry(session)

    # --- counts

    @property
    def is_busy(self) -> bool:
        """Whether a headless session is Pending, runs, or is stopping."""
        return bool(self._pending or self._in_slots)

    @property
    def active_count(self) -> int:
        """Number of sessions of all kinds that are Pending, run, or are stopping."""
        return len(self._pending) + len(self._groups)

    def running_interactive(self) -> list[SandboxSession]:
        """Return the listed interactive sessions that run."""
        listed = self._table.listed
        return [listed[name] for name in self._groups if name in listed and name not in self._in_slots]

    def _update_peaks(self) -> None:
        self.most_running = max(self.most_running, len(self._in_slots))
        self.most_active = max(self.most_active, self.active_count)
