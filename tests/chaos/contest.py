"""Two processes on two machines that use one state: each can be stopped anywhere, and no clock is right."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

import httpx
from server import Wire
from virtual import EPOCH, VirtualClock, VirtualLoop
from world import URL, ChaosLocation, Ended, Process, Universe

from skaha_apply.model.errors import SkahaApplyError
from skaha_apply.planning.options import PlanOptions
from skaha_apply.skaha.auth.login import token_login
from skaha_apply.skaha.client import Client, ClientOptions
from skaha_apply.state.clocks import Clocks
from skaha_apply.state.http.config import backend
from skaha_apply.state.http.store import HttpStore
from skaha_apply.state.local.store import LocalStore
from skaha_apply.workflow.reconcile import loop as apply_module
from skaha_apply.workflow.reconcile.request import ApplyOptions
from skaha_apply.workflow.setup.context import Context
from skaha_apply.workflow.setup.settings import Settings

STATE = "https://state.example.org/survey"


@dataclass
class Machine(Process):
    """A process on a machine of its own. It is stopped at its `stop_at`-th point; its wall clock is `ahead`.

    `blind` is the clock that does not see what passes while it is stopped: `wall`, `running` or neither.
    """

    stop_at: int | None = None
    ahead: float = 0.0
    blind: str = ""
    stopped: bool = False
    unseen: float = 0.0

    async def point(self, kind):
        await super().point(kind)
        if self.points.total() == self.stop_at:
            self.stopped = True
            self.loop.stop()
            await asyncio.sleep(0)

    def clocks(self, timeline):
        def wall():
            return EPOCH + timeline.now + self.ahead - (self.unseen if self.blind == "wall" else 0.0)

        return Clocks(wall, lambda: timeline.now - (self.unseen if self.blind == "running" else 0.0))


class TracedWire(Wire):
    """Reports the steps that httpcore reports on a connection; before each, a process can be stopped for hours."""

    async def handle_async_request(self, request):
        await self._process.point("request")
        if trace := request.extensions.get("trace"):
            await trace("http11.send_request_headers.started", {})
        response = await self._server.exchange(request, self._sleep, self._process.tickets.append)
        await self._process.point("answer")
        return response


@dataclass
class Remote:
    """A state store over HTTP; `dated` states whether it sends its time."""

    contest: object
    dated: bool = True
    naive: bool = False
    state: bytes | None = None
    lock: dict | None = None

    def answer(self, request):
        given = json.loads(request.content) if request.content else {}
        if request.method == "LOCK":
            if self.lock is not None:
                return 423, json.dumps(self.lock).encode()
            self.lock = given
        elif request.method == "UNLOCK":
            if not self.naive and (self.lock or {}).get("ID") != given["ID"]:
                return 409, b"not that lock"
            self.lock = None
        elif request.method == "POST":
            if (self.lock or {}).get("ID") != request.url.params.get("ID"):
                return 423, json.dumps(self.lock or {}).encode()
            self.state = request.content
        elif request.method == "GET":
            return (200, self.state) if self.state is not None else (404, b"")
        return 200, b""

    def pass_time(self, seconds):
        """Nothing has to be done: its clock is the one time of this world."""

    def unlock(self):
        self.lock = None


class RemoteWire(httpx.AsyncBaseTransport):
    """The way of one process to the store."""

    def __init__(self, remote, process, random):
        self._remote, self._process, self._random = remote, process, random

    async def handle_async_request(self, request):
        await self._process.point("store request")
        await asyncio.sleep(self._random.uniform(0.001, 0.3))
        status, body = self._remote.answer(request)
        now = EPOCH + self._remote.contest.timeline.now
        headers = {"date": formatdate(now, usegmt=True)} if self._remote.dated else {}
        await asyncio.sleep(self._random.uniform(0.001, 0.3))
        await self._process.point("store answer")
        return httpx.Response(status, headers=headers, content=b"" if request.method == "HEAD" else body)


@dataclass
class Shared:
    """A state file on a network file system that does not forward locks; times of files are those of this machine."""

    path: Path

    def pass_time(self, seconds):
        """What was written gets old, and the lock of its owner is not seen here."""
        lock = self.path.with_name("survey.state.lock")
        if not lock.exists() or not lock.read_text():
            return
        lock.write_text(json.dumps(json.loads(lock.read_text()) | {"Who": "anna@elsewhere", "Boot": "elsewhere"}))
        os.utime(lock, (time.time() - seconds, time.time() - seconds))
        for descriptor in Path("/proc/self/fd").iterdir():
            if os.path.realpath(descriptor) == str(lock):
                fcntl.flock(int(descriptor.name), fcntl.LOCK_UN)

    def unlock(self):
        self.path.with_name("survey.state.lock").unlink(missing_ok=True)


@dataclass
class ContestLocation(ChaosLocation):
    """Gives stores of the tool itself."""

    def store(self, project):
        kept, clocks = self.universe.kept, self.process.clocks(self.universe.timeline)
        if isinstance(kept, Shared):
            return LocalStore(kept.path, clocks=clocks)
        transport = RemoteWire(kept, self.process, self.universe.random)
        rescue = self.root / f"{id(self.process)}.rescue.json"
        return HttpStore(backend(STATE, {}), rescue, clocks=clocks, transport=transport)


@dataclass
class Running:
    """A process under way, maybe stopped."""

    process: Machine
    loop: VirtualLoop
    task: asyncio.Task
    ended: Ended = field(default_factory=Ended)


@dataclass
class Contest(Universe):
    """A world in which several processes are under way at the same time; `kept` is where the state is."""

    kept: object = None

    def start(self, project, process):
        """Run a process until it ends or is stopped."""

        async def yes(_):
            return True

        async def main():
            async with self._world(process) as world:
                options = ApplyOptions(plan=PlanOptions(force=True), init=True)
                return await apply_module.apply(world, project, options, yes, lambda _: None)

        process.loop = loop = VirtualLoop(self.timeline, lambda: self.random.uniform(0, 0.01))
        running = Running(process, loop, loop.create_task(main()), Ended(process=process))
        self.resume(running)
        return running

    def resume(self, running):
        """Let it run on, until it ends or is stopped again."""
        ended = running.ended
        try:
            ended.report = running.loop.run_until_complete(running.task)
        except SkahaApplyError as error:
            ended.error = error
        except asyncio.CancelledError:
            ended.error = SkahaApplyError("interrupted")
        except RuntimeError as error:
            if running.process.stopped and not running.task.done():
                return
            ended.crash = error
        # A write that an interrupt left under way is canceled with the loop.
        left = [task for task in running.loop.end() if "HttpStore.write" not in repr(task)]
        if left and ended.crash is None:
            ended.crash = RuntimeError(f"left behind: {left}")

    def sleep(self, running, seconds):
        """Time passes while it is stopped."""
        self.timeline.now += seconds
        running.process.unseen += seconds
        self.kept.pass_time(seconds)

    def wake(self, running, *, interrupted=False):
        """SIGCONT; with a signal that came meanwhile, it is heard now."""
        if running.task.done():
            return
        if interrupted:
            running.loop.call_soon(running.task.cancel)
        self.resume(running)

    @asynccontextmanager
    async def _world(self, process):
        if not isinstance(process, Machine):
            process = Machine()
            process.loop = asyncio.get_running_loop()
        setting = Settings(concurrency=self.concurrency, settle=self.settle, cwd=self.root)
        options = ClientOptions(
            server=URL,
            login=lambda: token_login("token", "the test"),
            concurrency=self.concurrency,
            transport=lambda: TracedWire(self.server, process, asyncio.sleep),
            clock=VirtualClock(self.timeline, process.ahead),
            draw=self.random.random,
        )
        async with Client(options) as client:
            yield Context(ContestLocation(setting, self.root, self, process), client)
