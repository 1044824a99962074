"""Real processes of sessions: each in a process group of its own, ended as a whole, never confused with another's.

A process is known by its id *and* the moment it was born, because ids are used again.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.sandbox.private import private

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

_PROC = Path("/proc")
_STAT_STATE, _STAT_BIRTH = 0, 19


@dataclass
class ChildProcess:
    """A running process group; `pid` is its leader and its id."""

    process: subprocess.Popen[bytes]
    birth: str

    @property
    def pid(self) -> int:
        """Id of the leader and of the group."""
        return self.process.pid


def birth(pid: int) -> str | None:
    """Give a text that tells this process from any other that ever had its id; None for none, or a zombie."""
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
    with open(log, "ab", opener=private) as output:
        process = subprocess.Popen(  # noqa: S603 - running what the user asks for is the purpose
            [word.encode() for word in argv],
            cwd=workdir,
            env={name.encode(): value.encode("utf-8", "surrogateescape") for name, value in env.items()},
            stdin=subprocess.PIPE if keep_stdin_open else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return ChildProcess(process, birth(process.pid) or "")


def signal_group(child: ChildProcess, number: signal.Signals) -> None:
    """Send a signal to the whole group of a child that was not reaped yet."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)


def reap(child: ChildProcess) -> int | None:
    """Give the exit code once the leader has ended, after ending the rest of its group; None while it runs.

    The group is signalled while the leader's id is still held by its zombie, so that the id cannot be another's.
    """
    if hasattr(os, "waitid"):
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        if os.waitid(os.P_PID, child.pid, options) is None:
            return None
        signal_group(child, signal.SIGKILL)
        code = child.process.wait()
    else:
        polled = child.process.poll()
        if polled is None:
            return None
        signal_group(child, signal.SIGKILL)
        code = polled
    if child.process.stdin is not None:
        child.process.stdin.close()
    return code


def kill_orphans(marks: Collection[str], leaders: Mapping[int, str]) -> int:
    """Kill what a server that died left running; give how many processes.

    Found by the leader's id and birth, and, where /proc tells, by the session id in the process's environment, so that
    grandchildren whose leader has ended are found too.
    """
    targets = {pid for pid, born in leaders.items() if born and birth(pid) == born}
    targets.update(_processes_of(marks))
    targets.discard(os.getpid())
    for pid in targets:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    return len(targets)


def _processes_of(marks: Collection[str]) -> Iterator[int]:
    wanted = {f"skaha_sessionid={mark}".encode() for mark in marks}
    if not wanted or not _PROC.joinpath("self/environ").exists():
        return
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if wanted.intersection(entry.joinpath("environ").read_bytes().split(b"\0")):
                    yield int(entry.name)
