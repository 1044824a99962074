"""From an accepted create to the session that will run: id, argv, environment, limits, and why it did not start."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.sandbox.containers import environment, expand
from skaha_apply.sandbox.quantities import cpu
from skaha_apply.sandbox.sessions import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from skaha_apply.sandbox.create import Wish
    from skaha_apply.sandbox.options import SandboxOptions

_TAIL_LENGTH = 7


@dataclass(frozen=True)
class Place:
    """Under which id, for whom and when (seconds since the epoch) a session is made."""

    identifier: str
    userid: str
    now: float


def new_id(taken: Callable[[str], bool]) -> str:
    """Give a free id: a letter, then 7 letters and digits [RandomStringGenerator]."""
    while True:
        tail = (secrets.choice(string.ascii_lowercase + string.digits) for _ in range(_TAIL_LENGTH))
        identifier = secrets.choice(string.ascii_lowercase) + "".join(tail)
        if not taken(identifier):
            return identifier


def session(wish: Wish, place: Place, options: SandboxOptions) -> Session:
    """Give the session of a create. The platform's own variables come last and win [launch-headless.yaml]."""
    headless = wish.kind == "headless"
    home = options.data / "home" / place.userid
    home.mkdir(parents=True, exist_ok=True)
    platform = {
        "HOME": str(home),
        "PWD": str(options.workdir),
        "OMP_NUM_THREADS": cpu(wish.cores),
        "skaha_hostname": wish.name,
        "skaha_username": place.userid,
        "skaha_sessionid": place.identifier,
    }
    env = environment(wish.container, platform)
    return Session(
        id=place.identifier,
        userid=place.userid,
        name=wish.name,
        kind=wish.kind,
        image=wish.image,
        cores=wish.cores,
        ram=wish.ram,
        fixed=wish.fixed,
        argv=_argv(wish, env),
        env=env,
        created=place.now,
        deadline=options.deadline if headless else options.interactive_deadline,
        ttl=options.ttl if headless else options.interactive_ttl,
    )


def _argv(wish: Wish, env: Mapping[str, str]) -> tuple[str, ...]:
    """Give what is run, `$(NAME)` expanded; without a command a line that says what is missing."""
    if wish.kind != "headless":
        return ("cat",)
    given = tuple(expand(word, env) for word in (*wish.container.command, *wish.container.args))
    if not wish.container.command:
        return ("echo", f"sandbox: the default command of {wish.image} is not here to be run; arguments: {list(given)}")
    return given


def start_error(argv: Sequence[str], error: Exception, workdir: Path) -> str:
    """Say, in the words of Kubernetes' events, why `argv` could not be started."""
    program = argv[0]
    if not workdir.is_dir():
        reason = f'chdir to cwd ("{workdir}") failed: no such file or directory'
    elif isinstance(error, FileNotFoundError) and "/" not in program:
        reason = f'exec: "{program}": executable file not found in $PATH'
    elif isinstance(error, FileNotFoundError):
        reason = f'exec: "{program}": stat {program}: no such file or directory'
    else:
        detail = error.strerror if isinstance(error, OSError) else None
        reason = f'exec: "{program}": {(detail or str(error)).lower()}'
    return (
        "Error: failed to create containerd task: failed to create shim task: OCI runtime create failed: "
        f"runc create failed: unable to start container process: {reason}: unknown"
    )
