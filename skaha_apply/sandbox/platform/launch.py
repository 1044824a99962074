"""Makes the session of an accepted create: its ID, arguments, environment, deadline and TTL.

Source: [launch-headless.yaml, RandomStringGenerator].
"""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING

from skaha_apply.sandbox.platform.sessions import SandboxSession
from skaha_apply.sandbox.text import placeholders
from skaha_apply.sandbox.text.containers import container_environment, expand_references

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from skaha_apply.sandbox.http.create import AcceptedCreate, SessionIdentity
    from skaha_apply.sandbox.options import SandboxOptions

_ID_LENGTH = 8


def random_id(length: int = _ID_LENGTH) -> str:
    """Return an ID: a letter, then letters and digits [RandomStringGenerator]."""
    tail = (secrets.choice(string.ascii_lowercase + string.digits) for _ in range(length - 1))
    return secrets.choice(string.ascii_lowercase) + "".join(tail)


def new_id(taken: Callable[[str], bool]) -> str:
    """Return an unused session ID of 8 characters."""
    while taken(identifier := random_id()):
        pass
    return identifier


def session(create: AcceptedCreate, identity: SessionIdentity, options: SandboxOptions, now: float) -> SandboxSession:
    """Return the session of a create. The platform's own variables override others [launch-headless.yaml].

    `skaha_hostname` is the host of the API. `now` is in seconds since the epoch.
    """
    headless = create.kind == "headless"
    home = placeholders.home(options.data, identity.userid)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    platform = {
        "HOME": str(home),
        "PWD": str(options.workdir),
        "OMP_NUM_THREADS": placeholders.threads(create.resources.cores),
        "skaha_hostname": placeholders.HOST,
        "skaha_username": identity.userid,
        "skaha_sessionid": identity.session_id,
    }
    env = container_environment(create.container, platform)
    return SandboxSession(
        id=identity.session_id,
        userid=identity.userid,
        name=create.name,
        kind=create.kind,
        image=create.container.image,
        cores=create.resources.cores,
        ram=create.resources.ram,
        fixed=create.resources.fixed,
        argv=_argv(create, env),
        env=env,
        created=now,
        deadline=options.deadline if headless else options.interactive_deadline,
        ttl=options.ttl if headless else options.interactive_ttl,
    )


def _argv(create: AcceptedCreate, env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the command with `$(NAME)` expanded; without `cmd` it prints that the default command cannot run."""
    if create.kind != "headless":
        return ("cat",)
    words = tuple(expand_references(word, env) for word in (*create.container.command, *create.container.args))
    if not create.container.command:
        image = create.container.image
        return ("echo", f"sandbox: the default command of {image} is not here to be run; arguments: {list(words)}")
    return words


def start_error(argv: Sequence[str], error: Exception, workdir: Path) -> str:
    """Return the reason why `argv` could not start, as an event of Kubernetes states it."""
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
