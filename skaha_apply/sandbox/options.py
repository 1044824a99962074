"""What a sandbox can be told when it starts, and what a running one says about itself.

Only the standard library is imported here, so that a program may ask for a sandbox without paying for a web server.
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
    """The sandbox cannot do what was asked; `hint` says the way out."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class SandboxOptions:
    """How a sandbox is set up. Times are seconds; `None` for `token` means a random one, kept in the data folder.

    Attributes:
        data: folder of everything that outlives the server: sessions, logs, homes, `server.json`.
        workdir: working directory of headless sessions.
        port: TCP port on 127.0.0.1; 0 takes a free one.
        port_file: file that gets the port number and a newline once the server listens.
        token: bearer token of `userid`, and of the control routes.
        slots: how many headless processes run at once; the others are Pending.
        idle: end after so long without a request and without a headless session to run; `None`: never.
        ttl: how long a finished headless session stays listed.
        interactive_ttl: the same for the other kinds.
        deadline: how long a headless session may run.
        interactive_deadline: the same for the other kinds, and what a renewal grants.
        grace: between SIGTERM and SIGKILL when a session is deleted.
        max_interactive: how many interactive sessions of a user may be Pending or Running.
        images: further public images, `HOST/NAME:TAG` or `HOST/NAME:TAG=type`.
        accounts: further users, pairs of token and user name.
        denied: tokens of a known user without access (403).
        expired: tokens past their date (401).
        v0: also answer below /skaha/v0, which the published `skaha` 1.7.0 uses by default and newer servers dropped.
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
    """A sandbox that answers: `url` ends in /skaha/v1; the counts are of the moment it was asked."""

    url: str
    token: str = field(repr=False)
    pid: int
    pending: int = 0
    running: int = 0
    finished: int = 0


def check_installed() -> None:
    """Raise SandboxError when a package of the extra `sandbox` is missing."""
    missing = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        hint = "pip install 'skaha-apply[sandbox]'"
        raise SandboxError(f"the sandbox needs packages that are not installed: {', '.join(missing)}", hint)
