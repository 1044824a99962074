"""Run programs that renew a credential: the command of the user, or the published client with its own file.

The output of such a program is a secret, also if the program fails. So the tool never shows, logs or stores it, and
drops standard error.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.model.errors import Unauthorized, UsageError
from skaha_apply.skaha.auth.login import certificate_login, token_login

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skaha_apply.skaha.auth.login import Login

LIMIT = 60.0  # seconds for a program
AHEAD = 60.0  # seconds before the expiry of a credential, when the command runs again
_MOST = 1 << 20  # bytes of output; a token has a few thousand
_SOURCE = "the credential command"
_RENEWAL = "let the credential command print a new credential"
_HINT = "run the command in a terminal to see why; it must print a token, or a certificate with its key (PEM)"
# Lists the sessions; before that it renews an expired token of its file [canfar.hooks.httpx.auth].
CLIENT_COMMAND = ("canfar", "ps", "--quiet")


class CredentialCommand:
    """A command that prints a token or a PEM certificate, run without a shell.

    Args:
        text: the command line, split as a shell would. Raises `UsageError` if that is impossible.
        environ: the environment of the command.
    """

    def __init__(self, text: str, environ: Mapping[str, str]) -> None:
        try:
            self._words = shlex.split(text)
        except ValueError as error:
            raise UsageError(f"--credential-command: {str(error).lower()}", hint="quote it as in a shell") from None
        if not self._words:
            raise UsageError("--credential-command: no command given", hint="give a program that prints a token")
        self._environ = environ
        self._login: Login | None = None

    async def renew(self, now: float, *, refused: bool) -> None:
        """Run the command at the start, near the end of the last credential, and after a refusal.

        Raises `Unauthorized` if it fails or prints no credential; the message has none of its output.
        """
        last = self._login
        ends_soon = last is not None and last.expires is not None and now >= last.expires - AHEAD
        if last is None or refused or ends_soon:
            text = (await run(self._words, self._environ)).decode("utf-8", "replace").strip()
            parse = certificate_login if "-----BEGIN" in text else token_login
            self._login = parse(text, _SOURCE, renewal=_RENEWAL)

    def login(self) -> Login:
        """The credential that the command printed last."""
        if self._login is None:
            raise Unauthorized(f"{_SOURCE} has not run yet", hint=_HINT)
        return self._login


async def run(words: Sequence[str], environ: Mapping[str, str]) -> bytes:
    """The standard output of a program that ends with 0 within `LIMIT` seconds; raises `Unauthorized` otherwise."""
    name = Path(words[0]).name
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            env=environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # it must not prompt in this terminal; `_end` kills the processes that it started
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "invalid arguments"
        raise Unauthorized(f"{_SOURCE} `{name}` cannot run: {reason}", hint=_HINT) from None
    try:
        async with asyncio.timeout(LIMIT):
            output = await _output(process)
            code = await process.wait()
    except TimeoutError:
        raise Unauthorized(f"{_SOURCE} `{name}` did not end within {LIMIT:.0f} s", hint=_HINT) from None
    finally:
        await _end(process)
    if code != 0:
        raise Unauthorized(f"{_SOURCE} `{name}` failed with exit code {code}", hint=_HINT)
    return output


async def _output(process: asyncio.subprocess.Process) -> bytes:
    """The output, at most `_MOST` bytes; the rest is read and dropped."""
    assert process.stdout is not None  # noqa: S101 - `run` requests a pipe
    kept = bytearray()
    while chunk := await process.stdout.read(65536):
        kept += chunk[: _MOST - len(kept)]
    return bytes(kept)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill a program that still runs, and the processes that it started."""
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def run_client(environ: Mapping[str, str]) -> None:
    """Let the published client renew the token in its own file; without the client nothing happens.

    Only the client may use its refresh token: a provider accepts it once, and revokes the login when it appears again.
    The variables of the client are removed, because one of them could send the token to another server.
    """
    program = shutil.which(CLIENT_COMMAND[0], path=environ.get("PATH")) or shutil.which(
        CLIENT_COMMAND[0], path=str(Path(sys.executable).parent)
    )
    if program is None:
        return
    own = {name: value for name, value in environ.items() if not name.startswith(("CANFAR_", "SKAHA_"))}
    # The file shows whether this succeeded.
    with suppress(Unauthorized):
        await run([program, *CLIENT_COMMAND[1:]], own)
