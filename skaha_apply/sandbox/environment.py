"""Which environment variables the sandbox gets from its caller, and which the sessions get from the sandbox.

Only the variables on a short list are passed on. Otherwise a session could read the caller's tokens, registry secrets
and passwords, also from the process of its sandbox.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_TO_SESSIONS = (
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
)  # fmt: skip
_TO_SANDBOX = (*_TO_SESSIONS, "HOME", "USER", "LOGNAME", "TERM", "COLUMNS", "NO_COLOR", "VIRTUAL_ENV")
_PREFIXES_TO_SANDBOX = ("LC_", "PYTHON", "XDG_")
_CLEAN_MARK = "SKAHA_APPLY_SANDBOX_IS_CLEAN"


def for_sessions() -> dict[str, str]:
    """Return the variables that a session gets from the sandbox; `python` is this interpreter."""
    kept = {name: os.environ[name] for name in _TO_SESSIONS if name in os.environ}
    folder = str(Path(sys.executable).parent)
    kept["PATH"] = os.pathsep.join([folder, kept.get("PATH", os.defpath)])
    return kept


def for_sandbox(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a sandbox process gets from its caller."""
    kept = {
        name: value for name, value in environ.items() if name in _TO_SANDBOX or name.startswith(_PREFIXES_TO_SANDBOX)
    }
    return {**kept, _CLEAN_MARK: "1"}


def start_clean() -> None:
    """Start the running `serve` command again in the same process, with a clean environment, unless it has one.

    Emptying `os.environ` is not enough, because the system shows the environment with which a process was started.
    Does nothing if this program was not started by a `serve` command.
    """
    if _CLEAN_MARK not in os.environ and "serve" in sys.orig_argv:
        os.execve(sys.executable, sys.orig_argv, for_sandbox(os.environ))  # noqa: S606 - this program itself
