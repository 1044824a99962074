"""Sessions that only take time: they use a slot, write a log and end, and run nothing on this machine.

A share of them fails, as jobs fail. The name of a session and its number among the sessions of this name decide, so a
rehearsal can be repeated, and a rerun can succeed.
"""

from __future__ import annotations

import hashlib
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.sandbox.data_folder import private_opener

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from skaha_apply.sandbox.platform.sessions import SandboxSession

_MARK = "(pretended by the sandbox)"
_TRACEBACK = "Traceback (most recent call last):"


@dataclass(frozen=True)
class PretendedEnd:
    """How a session ends: the exit code, the last lines of its log, and the event of its pod, if any."""

    code: int
    lines: tuple[str, ...] = ()
    event: tuple[str, str] | None = None


SUCCESS = PretendedEnd(0)
FAILURES = (
    PretendedEnd(1, (_TRACEBACK, f"OSError: [Errno 5] Input/output error {_MARK}")),
    PretendedEnd(1, (_TRACEBACK, f"ValueError: array must not contain infs or NaNs {_MARK}")),
    PretendedEnd(
        128 + signal.SIGKILL, (f"Killed {_MARK}",), ("OOMKilling", f"Memory cgroup out of memory: OOMKilled {_MARK}")
    ),
)


def end_of(session: SandboxSession, fail: float) -> PretendedEnd:
    """How a session ends if the share `fail` of all sessions fails."""
    drawn = hashlib.sha256(f"{session.userid}\n{session.name}\n{session.attempt}".encode()).digest()
    if int.from_bytes(drawn[:8]) / 2**64 >= fail:
        return SUCCESS
    return FAILURES[drawn[8] % len(FAILURES)]


class PretendedRun:
    """A session that takes `seconds` of real time, or runs until it gets a signal (None). It starts nothing."""

    pid = None
    birth = None

    def __init__(self, seconds: float | None, code: int = 0) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self._code = code

    def send(self, number: signal.Signals) -> None:
        """End at once, as a process that gets the signal."""
        self._end, self._code = time.monotonic(), -number

    def reap(self) -> int | None:
        """Return the exit code after the end; None before."""
        return self._code if self._end is not None and self._end <= time.monotonic() else None


def append_log(log: Path, lines: Sequence[str]) -> None:
    """Append lines to the log of a session; raises OSError."""
    with open(log, "a", opener=private_opener, encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
