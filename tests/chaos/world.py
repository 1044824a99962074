"""A project's world without a machine: a store that survives its processes, processes that can be killed anywhere."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from server import Server, Wire
from virtual import Timeline, VirtualClock, VirtualLoop

from skaha_apply.model.errors import SkahaApplyError, StateError, StateLocked
from skaha_apply.model.report import ActionEnded
from skaha_apply.planning.options import PlanOptions
from skaha_apply.render.reasons import reason_text
from skaha_apply.skaha.auth.login import token_login
from skaha_apply.skaha.client import Client, ClientOptions
from skaha_apply.state.codec import decode_open, encode
from skaha_apply.state.local.archive import Archive
from skaha_apply.state.serial import check_next, version_of
from skaha_apply.workflow.plan import plan as make_plan
from skaha_apply.workflow.reconcile import loop as apply_module
from skaha_apply.workflow.reconcile.request import ApplyOptions
from skaha_apply.workflow.setup.context import Context
from skaha_apply.workflow.setup.settings import Settings

URL = "https://skaha.example.org/skaha/v1"
BOUND = "skaha.example.org/skaha/v1"


@dataclass
class Vault:
    """What is stored of one project, and who holds its lock."""

    archive: Path  # the folder of its archive
    data: bytes | None = None
    holder: object = None
    writes: int = 0
    interval: float = 0.5
    latency: tuple[float, float] = (0.001, 0.01)
    failing: float = 0.0  # share of writes that fail, half of them after they took effect


@dataclass
class Process:
    """One process of the tool. It dies at its `kill_at`-th point of the kinds `mortal`; a dead one changes nothing."""

    kill_at: int | None = None
    mortal: tuple[str, ...] = ("request", "answer", "write", "written")
    alive: bool = True
    points: Counter = field(default_factory=Counter)
    kill_turn: int | None = None
    turns: int = 0
    loop: object = None
    tickets: list = field(default_factory=list)

    async def point(self, kind):
        """A place where the process may be killed."""
        if not self.alive:
            await self.silence()
        self.points[kind] += 1
        if self.kill_at is not None and sum(self.points[one] for one in self.mortal) == self.kill_at:
            self.kill()
            await self.silence()

    def turn(self):
        """One turn of the event loop: between two of them something was awaited."""
        self.turns += 1
        if self.alive and self.turns == self.kill_turn:
            self.kill()

    def kill(self):
        """End it here."""
        self.alive = False
        self.loop.stop()
        for ticket in self.tickets:
            ticket.abandoned = min(ticket.abandoned, self.loop.time())

    async def silence(self):
        """Never comes back."""
        await asyncio.get_running_loop().create_future()


class VaultStore:
    """A store as `model.ports.Store` asks for, on a vault, for one process."""

    address = "vault"
    shared_logs = None

    def __init__(self, vault, process, random):
        self._vault, self._process, self._random = vault, process, random
        self._known = None
        self.interval = vault.interval
        self.archive = Archive(vault.archive)

    async def acquire(self, operation, timeout):  # noqa: ASYNC109 - the port's own
        holder = self._vault.holder
        if holder is not None and holder is not self._process and holder.alive:
            raise StateLocked(f"{operation}: somebody else holds the lock")
        self._vault.holder = self._process

    async def release(self):
        if self._vault.holder is self._process:
            self._vault.holder = None

    async def read(self):
        document = await self.read_open()
        return None if document is None else self.archive.with_archived(document, "vault")

    async def read_open(self):
        await self._rest()
        document = decode_open(self._vault.data, "vault") if self._vault.data is not None else None
        self._known = version_of(document)
        return document

    async def write(self, document, *, last=False):
        if self._vault.holder is not self._process:
            raise StateError("written without the lock")
        data = encode(self.archive.move_to_files(document))
        stored = decode_open(self._vault.data, "vault") if self._vault.data is not None else None
        await self._rest()
        await self._process.point("write")
        check_next("vault", self._known, version_of(stored), document)
        fault = self._random.random() < self._vault.failing
        after = self._random.random() < 0.5
        if not fault or after:
            self._vault.data = data
            self._known = version_of(document)
            self._vault.writes += 1
        await self._process.point("written")
        await self._rest()
        if fault:
            raise StateError("the disk refused it")

    async def check_lock(self):
        if self._vault.holder is not self._process:
            raise StateLocked("the lock is lost")

    async def remove(self):
        self._vault.data = None

    async def unlock(self, lock_id):
        raise StateError(lock_id)

    async def _rest(self):
        await asyncio.sleep(self._random.uniform(*self._vault.latency))


class MemoryLogs:
    """Saved logs, shared by all processes."""

    folder = Path("logs-in-memory")  # which is not there

    def __init__(self):
        self.saved = {}

    def save(self, name, label, log, events):
        if log or (name, label) not in self.saved:
            self.saved[name, label] = (log, events or "")
        return f"{name}/{label}"

    def read(self, name, label):
        return self.saved.get((name, label))

    def path(self, name, label):
        return self.folder / name / label


@dataclass
class ChaosLocation:
    """As `workflow.setup.context.StateLocation`, with the vaults for stores."""

    setting: Settings
    root: object
    universe: object
    process: Process
    folder: str = "skaha.example.org"
    server: str = BOUND
    url: str = URL
    local: bool = False
    base: str = ""

    def store(self, project):
        vault = self.universe.vaults.setdefault(project, Vault(archive=Path(self.universe.root) / "archive"))
        return VaultStore(vault, self.process, self.universe.random)

    def logs(self, project):
        return self.universe.logs


@dataclass
class Ended:
    """How a process ended: by a report, an error of the tool's own tree, or killed; `crash` is anything else."""

    report: object = None
    error: Exception | None = None
    killed: bool = False
    crash: BaseException | None = None
    process: Process | None = None


@dataclass
class Universe:
    """A server, its weather, the stored states, and the one time of them all."""

    random: object
    root: object
    timeline: Timeline = field(default_factory=Timeline)
    server: Server = None
    vaults: dict = field(default_factory=dict)
    logs: MemoryLogs = field(default_factory=MemoryLogs)
    settle: float = 5.0
    concurrency: int = 8
    skew: float = 0.0

    def __post_init__(self):
        self.server = Server(self.timeline, self.random)

    def pass_time(self, seconds):
        """Let time pass while no process runs."""
        self.timeline.now += seconds

    def apply(self, project, *, wait="none", timeout=None, kill_at=None, kill_turn=None, cancel_after=None):
        """One process that applies a project; after `cancel_after` seconds it is interrupted, as by SIGINT."""

        async def yes(_):
            return True

        async def use(world):
            options = ApplyOptions(plan=PlanOptions(force=True), wait=wait, timeout=timeout, poll=30.0, init=True)
            run = asyncio.ensure_future(apply_module.apply(world, project, options, yes, self._trace))
            if cancel_after is not None:
                asyncio.get_running_loop().call_later(cancel_after, run.cancel)
            return await run

        return self._run(Process(kill_at, kill_turn=kill_turn), use)

    def plan(self, project):
        """The plan of a process that only plans."""
        return self._run(Process(), lambda world: make_plan(world, project, PlanOptions(force=True)))

    def state(self, project):
        """The stored document."""
        vault = self.vaults.get(project.name)
        if vault is None or vault.data is None:
            return None
        return Archive(vault.archive).with_archived(decode_open(vault.data, "vault"), "vault")

    def _trace(self, event):
        told = str(event)
        if isinstance(event, ActionEnded):
            action = event.action
            told = f"{action.kind} {action.name} {event.id} {event.error or ''} ({reason_text(action.reason)})"
        self.server.trace.append(f"{self.timeline.now:10.2f} -- {told[:300]}")

    def _run(self, process, use):
        loop = VirtualLoop(self.timeline, lambda: self.random.uniform(0, 0.01), process.turn)
        process.loop = loop
        ended = Ended(process=process)

        async def main():
            async with self._world(process) as world:
                return await use(world)

        task = loop.create_task(main())
        try:
            ended.report = loop.run_until_complete(task)
        except SkahaApplyError as error:
            ended.error = error
        except asyncio.CancelledError:
            ended.error = SkahaApplyError("interrupted")
        except RuntimeError as error:
            if process.alive:
                ended.crash = error
            ended.killed = not process.alive
        except Exception as error:  # noqa: BLE001 - the judge shows it
            ended.crash = error
        left = loop.end()
        # A call that has started in a thread runs there to its end.
        left = [task for task in left if "VaultStore.write" not in repr(task)]
        if process.alive and ended.crash is None and left:
            ended.crash = RuntimeError(f"left behind: {left}")
        if process.alive and ended.crash is None and loop.complaints:
            ended.crash = RuntimeError(f"unheard of: {loop.complaints}")
        process.alive = False
        return ended

    @asynccontextmanager
    async def _world(self, process):
        setting = Settings(concurrency=self.concurrency, settle=self.settle, cwd=self.root)
        options = ClientOptions(
            server=URL,
            login=lambda: token_login("token", "the test"),
            concurrency=self.concurrency,
            transport=lambda: Wire(self.server, process, asyncio.sleep),
            clock=VirtualClock(self.timeline, self.skew),
            draw=self.random.random,
        )
        async with Client(options) as client:
            yield Context(ChaosLocation(setting, self.root, self, process), client)
