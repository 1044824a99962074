"""The options of a sandbox, and what a running sandbox reports.

Only the standard library is imported here, so that a program can start a sandbox without importing a web server.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path

HEADLESS_TTL_S = 3600.0
INTERACTIVE_TTL_S = 86400.0
HEADLESS_DEADLINE_S = 1209600.0
INTERACTIVE_DEADLINE_S = 345600.0
DETACHED_IDLE_S = 600.0
PRETENDED_SLOTS = 1000  # slots of a sandbox whose sessions run nothing
LEAST_TTL_S = 60.0  # TTL at any speed, because a client lists sessions every 10 s at any speed


class SandboxError(Exception):
    """A request to the sandbox failed; `hint` states what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class Rehearsal:
    """How the sessions of a sandbox differ from real ones.

    Attributes:
        pretend: time that a headless session takes, in seconds; it runs nothing. `None`: sessions run.
        fail: share of the pretended sessions that fail, from 0 to 1. A name and the number of its session decide.
        speed: number by which the times of the sandbox are divided.
        mounts: pairs of a folder of the server and a folder of this machine, for sessions that run.
    """

    pretend: float | None = None
    fail: float = 0.0
    speed: float = 1.0
    mounts: tuple[tuple[str, str], ...] = ()


def checked(rehearsal: Rehearsal) -> Rehearsal:
    """The rehearsal, with absolute folders; raises SandboxError for options that exclude each other."""
    if not rehearsal.speed > 0 or not 0 <= rehearsal.fail <= 1:
        raise SandboxError("speed must be more than 0, and fail from 0 to 1")
    if rehearsal.pretend is None and rehearsal.fail:
        raise SandboxError("--fail requires --pretend", "sessions that run fail by themselves")
    if rehearsal.pretend is not None and rehearsal.mounts:
        raise SandboxError("--mount and --pretend exclude each other", "sessions that only pretend read no file")
    for point, folder in rehearsal.mounts:
        if not point.startswith("/") or not point.strip("/"):
            raise SandboxError(f"{point!r} is not a folder of the server", "write --mount /arc=DIR")
        if not Path(folder).is_dir():
            raise SandboxError(f"{folder} is not a folder", "create it, or pass another folder to --mount")
    mounts = tuple((point.rstrip("/"), str(Path(folder).resolve())) for point, folder in rehearsal.mounts)
    return replace(rehearsal, mounts=mounts)


def default_slots(rehearsal: Rehearsal) -> int:
    """Number of headless sessions that run at once: the number of CPUs, more if sessions run nothing."""
    return PRETENDED_SLOTS if rehearsal.pretend is not None else os.cpu_count() or 1


@dataclass(frozen=True)
class SandboxOptions:
    """The options of a sandbox. Durations are seconds. If `token` is None, a random token is kept in the data folder.

    Attributes:
        data: folder of everything that is kept between two servers: sessions, logs, home directories, `server.json`.
        workdir: working directory of headless sessions.
        port: TCP port on 127.0.0.1; 0 takes a free port.
        port_file: file to which the server writes its port number and a newline when it listens.
        token: bearer token of `userid`, also for the control routes.
        slots: number of headless sessions that run at once; the others are Pending.
        idle: end after this time without a request and without a headless session to run; `None`: never.
        ttl: time for which a finished headless session stays listed.
        interactive_ttl: like `ttl`, for the other kinds.
        deadline: time for which a headless session may run.
        interactive_deadline: like `deadline`, for the other kinds; a renewal grants it again.
        grace: time between SIGTERM and SIGKILL when a session is deleted.
        max_interactive: limit of Pending and Running interactive sessions of a user.
        images: other public images, `HOST/NAME:TAG` or `HOST/NAME:TAG=type`.
        accounts: other users, as pairs of token and user name.
        denied: tokens of a known user without access (403).
        expired: tokens that have expired (401).
        v0: also serve /skaha/v0. The client `skaha` 1.7.0 uses it by default; newer servers have dropped it.
        rehearsal: whether sessions only pretend, and where the folders of the server are.
    """

    data: Path
    workdir: Path = field(default_factory=Path.cwd)
    port: int = 0
    port_file: Path | None = None
    token: str | None = field(default=None, repr=False)
    slots: int = field(default_factory=lambda: os.cpu_count() or 1)
    idle: float | None = None
    ttl: float = HEADLESS_TTL_S
    userid: str = "sandbox"
    interactive_ttl: float = INTERACTIVE_TTL_S
    deadline: float = HEADLESS_DEADLINE_S
    interactive_deadline: float = INTERACTIVE_DEADLINE_S
    grace: float = 2.0
    max_interactive: int = 5
    images: tuple[str, ...] = ()
    accounts: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    denied: tuple[str, ...] = field(default=(), repr=False)
    expired: tuple[str, ...] = field(default=(), repr=False)
    v0: bool = True
    rehearsal: Rehearsal = field(default_factory=Rehearsal)


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox that runs: `url` ends in /skaha/v1; the counts are numbers of sessions at the time of the query."""

    url: str
    token: str = field(repr=False)
    pid: int
    pending: int = 0
    running: int = 0
    finished: int = 0
    rehearsal: Rehearsal = field(default_factory=Rehearsal)


def check_installed() -> None:
    """Raise SandboxError if a package of the extra `sandbox` is missing."""
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        hint = "pip install 'skaha-apply[sandbox]'"
        raise SandboxError(f"the sandbox requires packages that are not installed: {', '.join(missing)}", hint)
