"""The options of a sandbox, and what a running sandbox reports.

Only the standard library is imported here, so that a program can start a sandbox without importing a web server.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

HEADLESS_TTL_S = 3600.0
INTERACTIVE_TTL_S = 86400.0
HEADLESS_DEADLINE_S = 1209600.0
INTERACTIVE_DEADLINE_S = 345600.0
DETACHED_IDLE_S = 600.0


class SandboxError(Exception):
    """A request to the sandbox failed; `hint` states what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


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


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox that runs: `url` ends in /skaha/v1; the counts are numbers of sessions at the time of the query."""

    url: str
    token: str = field(repr=False)
    pid: int
    pending: int = 0
    running: int = 0
    finished: int = 0


def check_installed() -> None:
    """Raise SandboxError if a package of the extra `sandbox` is missing."""
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        hint = "pip install 'skaha-apply[sandbox]'"
        raise SandboxError(f"the sandbox requires packages that are not installed: {', '.join(missing)}", hint)
