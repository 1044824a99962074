"""What the rows share: the programs, the fake server, the sizes, and projects with a state of any size."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.measurement import Command, Usage
from benchmarks.peers import OWN, Environments, NotMeasuredError
from benchmarks.workloads import write_replicas

if TYPE_CHECKING:
    from benchmarks.fake_server import FakeServer
    from benchmarks.sizes import Sizes

_ADOPTED_AT_ONCE = 250_000  # listed and adopted by one apply; each of them plans all replicas
_UNTIL_IDLE = 2  # passes after which the wait only repeats
_PATIENCE_S = 600


class IdlePass(NamedTuple):
    """What one pass took in which nothing happened: seconds of CPU, and bytes that the process wrote to files."""

    cpu: float
    written: float


@dataclass(frozen=True)
class Project:
    """A project with a state in which `done` replicas are done and `active` replicas run."""

    folder: Path
    name: str
    done: int
    active: int

    @property
    def state_bytes(self) -> int:
        """The size of all files of the state."""
        return sum(file.stat().st_size for file in (self.folder / "state").rglob("*") if file.is_file())


@dataclass
class Laboratory:
    """The set-up of one run of the benchmarks."""

    sizes: Sizes
    programs: Environments
    server: FakeServer
    folder: Path
    projects: dict[tuple[int, int], Project] = field(default_factory=dict)
    idle: dict[Project, IdlePass] = field(default_factory=dict)

    def own(self, *words: str | Path, folder: Path | None = None) -> Command:
        """A command of skaha-apply, with the fake server."""
        variables = {"SKAHA_URL": self.server.url, "SKAHA_TOKEN": "token", "HOME": str(self.folder), "CI": ""}
        return Command([*self.programs.program(OWN, "skaha-apply"), *words], folder, variables)

    def new_folder(self, name: str) -> Path:
        """A folder that exists."""
        made = self.folder / name
        made.mkdir(parents=True, exist_ok=True)
        return made

    def project(self, replicas: int, active: int) -> Project:
        """A project with this number of replicas, of which the last `active` run; the others are done.

        The server lists only the active sessions afterwards, because the real server removes ended sessions after an
        hour. A project is made once for each size: the tool adopts its sessions from listings.
        """
        if replicas > self.sizes.largest:
            raise NotMeasuredError("only without --quick")
        key = (replicas, active)
        if key not in self.projects:
            name = f"part{replicas}-{active}"
            made = Project(self.new_folder(name), name, replicas - active, active)
            write_replicas(made.folder / "manifest.yaml", name, replicas)
            for first in range(1, replicas + 1, _ADOPTED_AT_ONCE):
                self._adopt(made, first, min(first + _ADOPTED_AT_ONCE - 1, replicas))
            self.projects[key] = made
        self.list_active(self.projects[key])
        return self.projects[key]

    def list_active(self, project: Project) -> None:
        """Let the server list the active sessions of the project, and nothing else."""
        self.server.change([(project.name, project.done + 1, project.done + project.active, "Running")])

    def command(self, project: Project, name: str, *words: str) -> Command:
        """A command on the manifest and the state of a project."""
        return self.own(name, "manifest.yaml", "--state", "state/state.json", *words, folder=project.folder)

    def plan(self, project: Project) -> Usage:
        """Measure one plan in which nothing changes."""
        return self.command(project, "plan", "--detailed-exitcode").run()

    def idle_pass(self, project: Project) -> IdlePass:
        """Measure passes of a wait during which no session changes; the mean of one pass."""
        if not Path("/proc/self/schedstat").exists():
            raise NotMeasuredError("no /proc/PID/schedstat")
        self.list_active(project)
        waiting = ("--yes", "--no-logs", "--wait", "complete", "--poll", f"{self.sizes.poll}s")
        command = self.command(project, "apply", *waiting)
        process = subprocess.Popen(
            [str(word) for word in command.words], cwd=project.folder, env=command.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            before = self._after_pass(process, _UNTIL_IDLE)
            after = self._after_pass(process, _UNTIL_IDLE + self.sizes.passes)
        finally:
            process.terminate()
            process.wait()
        found = IdlePass(*((late - early) / self.sizes.passes for early, late in zip(before, after, strict=True)))
        self.idle[project] = found
        return found

    def _after_pass(self, process: subprocess.Popen[bytes], passes: int) -> IdlePass:
        """The counters of a process when it requests the listing of the next pass."""
        until = time.monotonic() + _PATIENCE_S
        while self.server.counts()["GET session"] <= passes:
            if process.poll() is not None or time.monotonic() > until:
                raise NotMeasuredError(f"the wait ended early, with exit code {process.poll()}")
            time.sleep(self.sizes.poll / 20)
        return _counters(process.pid)

    def _adopt(self, project: Project, first: int, last: int) -> None:
        done = min(last, project.done)
        ranges = [(project.name, first, done, "Completed"), (project.name, max(first, done + 1), last, "Running")]
        self.server.change(ranges)
        target = (
            () if last - first + 1 == project.done + project.active else ("--target", f"{project.name}/{first}-{last}")
        )
        self.command(project, "apply", "--yes", "--no-logs", "--adopt=ended", *target).run()


def _counters(process_id: int) -> IdlePass:
    """The seconds of CPU of all threads of a process, and the bytes that it wrote to files, from Linux."""
    tasks = Path(f"/proc/{process_id}/task").iterdir()
    nanoseconds = sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)
    lines = Path(f"/proc/{process_id}/io").read_text().splitlines()
    return IdlePass(nanoseconds / 1e9, float(dict(line.split(": ") for line in lines)["wchar"]))
