"""The processes of sessions: each session has its own process group, which is ended as a whole.

A process is identified by its ID and its start time, because the system uses IDs again.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.sandbox.data_folder import private_opener

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

_PROC = Path("/proc")
_STAT_STATE, _STAT_BIRTH = 0, 19


@dataclass
class ChildProcess:
    """A running process group; `birth` identifies its leader together with `pid`."""

    process: subprocess.Popen[bytes]
    birth: str

    @property
    def pid(self) -> int:
        """ID of the leader and of the group."""
        return self.process.pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the whole group, whose leader is not reaped yet."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def reap(self) -> int | None:
        """Return the exit code after the leader has ended, and kill the rest of its group; None while the leader runs.

        The group gets its signal while the leader is a zombie. Until then no other process can get the leader's ID.
        """
        if hasattr(os, "waitid"):
            options = os.WEXITED | os.WNOHANG | os.WNOWAIT
            if os.waitid(os.P_PID, self.pid, options) is None:
                return None
            self.send(signal.SIGKILL)
            code = self.process.wait()
        else:
            polled = self.process.poll()
            if polled is None:
                return None
            self.send(signal.SIGKILL)
            code = polled
        if self.process.stdin is not None:
            self.process.stdin.close()
        return code


def birth(pid: int) -> str | None:
    """Return the start time of a process as text; None if no process has this ID, or if it is a zombie."""
    if _PROC.joinpath("self/stat").exists():
        try:
            after_name = _PROC.joinpath(str(pid), "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            return None
        return None if after_name[_STAT_STATE] in "ZX" else after_name[_STAT_BIRTH]
    command = ["ps", "-o", "state=,lstart=", "-p", str(pid)]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words
    found = listed.stdout.split(maxsplit=1)
    return None if not found or found[0].startswith("Z") else found[1].strip()


def spawn(
    argv: Sequence[str], env: Mapping[str, str], workdir: Path, log: Path, *, keep_stdin_open: bool = False
) -> ChildProcess:
    """Start `argv` as the leader of a new session, its output appended to `log`; raises OSError or ValueError.

    The words are passed as UTF-8, whatever the locale of this server. With `keep_stdin_open` the process reads a pipe
    that this server keeps open, so that `cat` runs as long as the server.
    """
    with open(log, "ab", opener=private_opener) as output:
        process = subprocess.Popen(  # noqa: S603 - a sandbox runs the commands of its user
            [word.encode() for word in argv],
            cwd=workdir,
            env={name.encode(): value.encode("utf-8", "surrogateescape") for name, value in env.items()},
            stdin=subprocess.PIPE if keep_stdin_open else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return ChildProcess(process, birth(process.pid) or "")


def kill_orphans(session_ids: Collection[str], leaders: Mapping[int, str]) -> int:
    """Kill the processes that a killed server left running, and return their number.

    A leader is found by its ID and start time. On a system with /proc, other processes are found by the session ID in
    their environment, also if their leader has ended.
    """
    targets = {pid for pid, start in leaders.items() if start and birth(pid) == start}
    targets.update(_processes_of(session_ids))
    targets.discard(os.getpid())
    for pid in targets:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    return len(targets)


def _processes_of(session_ids: Collection[str]) -> Iterator[int]:
    wanted = {f"skaha_sessionid={identifier}".encode() for identifier in session_ids}
    if not wanted or not _PROC.joinpath("self/environ").exists():
        return
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if wanted.intersection(entry.joinpath("environ").read_bytes().split(b"\0")):
                    yield int(entry.name)
