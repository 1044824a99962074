"""Runs the git executable so that it asks nothing, runs no hook, and reads nothing of the user's checkout."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Mapping

OLDEST = (2, 29)  # fetch --no-write-fetch-head
_ENDED_LIMIT = 1.0  # seconds between SIGTERM and SIGKILL
# Variables of git that choose a program or a certificate of the user's site. All others name a checkout, an index,
# another configuration or a trace, and are not passed on.
_KEPT = {
    "GIT_EXEC_PATH",
    "GIT_PROXY_COMMAND",
    "GIT_PROXY_SSL_CAINFO",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_KEY",
}
_OPTIONS = (
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "protocol.ext.allow=never"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
    *("-c", "push.gpgSign=false"),
    *("-c", "core.fsmonitor=false"),
)
# The helper prints the variables, so that the password is in no argument.
_HELPER = '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$SKAHA_GIT_USER" "$SKAHA_GIT_PASS"; }; f'


@dataclass(frozen=True)
class GitResult:
    """The end of a git command. `code` is None if the time limit ended it."""

    code: int | None
    out: bytes = b""
    err: str = ""


def clean_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment of a git command: `env` without what names another repository, and without any question."""
    kept = {name: value for name, value in env.items() if not name.startswith("GIT_") or name in _KEPT}
    return kept | {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS": "",
        "SSH_ASKPASS_REQUIRE": "never",
        "GCM_INTERACTIVE": "never",
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
        "GIT_OPTIONAL_LOCKS": "0",
        "LC_ALL": "C",
        "LANGUAGE": "",
    }


class GitProgram:
    """The git executable.

    Args:
        env: the environment of this process.
        credential: the server (`https://host:port`), user and password for requests over http, which no other server
            gets, also after a redirect. None if the configuration of the user has them.
        limit: seconds for one command.
    """

    def __init__(self, env: Mapping[str, str], *, credential: tuple[str, str, str] | None = None, limit: float) -> None:
        self._env = clean_environment(env)
        self._limit = limit
        if credential is not None:
            server, user, password = credential
            self._env |= {
                "SKAHA_GIT_USER": user,
                "SKAHA_GIT_PASS": password,
                "GIT_CONFIG_COUNT": "2",
                "GIT_CONFIG_KEY_0": "credential.helper",
                "GIT_CONFIG_VALUE_0": "",
                "GIT_CONFIG_KEY_1": f"credential.{server}.helper",
                "GIT_CONFIG_VALUE_1": _HELPER,
            }

    async def prepare(self, *, uses_ssh: bool) -> None:
        """Check the version, and let ssh ask nothing, unless the user has chosen a command for it.

        Raises `StateError` if git is missing or too old.
        """
        shown = (await self.run("version")).out.decode("utf-8", "replace")
        found = re.search(r"(\d+)\.(\d+)", shown)
        if found is None or (int(found[1]), int(found[2])) < OLDEST:
            raise StateError(
                f"git is too old for a state in git: {shown.strip()[:60] or 'unknown version'}",
                hint=f"Install git {OLDEST[0]}.{OLDEST[1]} or later, or store the state elsewhere with --state.",
            )
        if uses_ssh and not self._env.get("GIT_SSH_COMMAND") and not self._env.get("GIT_SSH"):
            configured = await self.run("config", "--get", "core.sshCommand")
            if configured.code != 0:
                self._env["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes"

    async def run(self, *words: str, folder: str = "", data: bytes = b"", date: float | None = None) -> GitResult:
        """Run one command; `folder` is the repository, `data` the standard input, `date` the time of a new commit.

        A canceled or slow command is ended with all processes that it started. Raises `StateError` if git is not
        installed.
        """
        env = self._env
        if date is not None:
            name, stamp = "skaha-apply", f"@{int(date)} +0000"
            env = env | {
                f"GIT_{role}_{part}": value
                for role in ("AUTHOR", "COMMITTER")
                for part, value in (("NAME", name), ("EMAIL", f"{name}@localhost"), ("DATE", stamp))
            }
        where = ("--git-dir", folder) if folder else ()
        try:
            process = await _start(("git", *_OPTIONS, *where, *words), env, folder or "/")
        except FileNotFoundError as error:
            raise StateError(
                "git is not installed", hint="Install git, or store the state elsewhere with --state."
            ) from error
        except OSError as error:
            raise StateError(f"git cannot be started: {error.strerror}") from error
        return await self._ended(process, data)

    async def _ended(self, process: asyncio.subprocess.Process, data: bytes) -> GitResult:
        try:
            async with asyncio.timeout(self._limit):
                out, err = await process.communicate(data)
        except TimeoutError:
            await _end(process)
            return GitResult(None, b"", f"no response within {self._limit:.0f} s")
        except asyncio.CancelledError:
            await asyncio.shield(_end(process))
            raise
        return GitResult(process.returncode, out, err.decode("utf-8", "replace"))


async def _start(command: tuple[str, ...], env: Mapping[str, str], folder: str) -> asyncio.subprocess.Process:
    """Start a command. An interrupt in the meantime ends it in order; asyncio would lose a process that ends early."""
    pipe = asyncio.subprocess.PIPE
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=pipe, env=env, cwd=folder, start_new_session=True
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _end(await starting)
        raise


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a command and the processes that it started, such as ssh."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _ENDED_LIMIT)
            break
    transport = getattr(process, "_transport", None)
    if transport is not None:  # the pipes of a child that escaped the group
        transport.close()
