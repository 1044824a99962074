"""What passes from the caller's environment to the sandbox, and from the sandbox to its sessions.

Tokens, registry secrets and passwords of the caller stay behind, because only names on a short list pass. A session
could otherwise read them, also from the process of its sandbox.
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
_MARK = "SKAHA_APPLY_SANDBOX_IS_CLEAN"


def for_sessions() -> dict[str, str]:
    """Give what a session gets of the sandbox's environment; `python` is this interpreter."""
    kept = {name: os.environ[name] for name in _TO_SESSIONS if name in os.environ}
    here = str(Path(sys.executable).parent)
    kept["PATH"] = os.pathsep.join([here, kept.get("PATH", os.defpath)])
    return kept


def for_sandbox(environ: Mapping[str, str]) -> dict[str, str]:
    """Give what a sandbox process gets of its caller's environment."""
    kept = {
        name: value for name, value in environ.items() if name in _TO_SANDBOX or name.startswith(_PREFIXES_TO_SANDBOX)
    }
    return {**kept, _MARK: "1"}


def start_clean() -> None:
    """Start the running `serve` command again with a clean environment, in the same process, unless it has one.

    Emptying `os.environ` is not enough: the system shows the environment with which a process was started. Does
    nothing when this program was not started by a `serve` command.
    """
    if _MARK not in os.environ and "serve" in sys.orig_argv:
        os.execve(sys.executable, sys.orig_argv, for_sandbox(os.environ))  # noqa: S606 - this program itself
