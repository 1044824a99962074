"""The inputs of the action, from environment variables: no input ever stands in the text of a shell script."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMANDS = ("lint", "plan", "apply", "refresh", "doctor")  # those of the command line
STEPS = ("comment", "reviewed")  # those that talk to GitHub only
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Inputs:
    """What a workflow asks for: `digests` are those of reviewed plans, `args` are further options of the command."""

    command: str
    paths: tuple[str, ...] = ()
    state: str = ""
    digests: tuple[str, ...] = ()
    args: tuple[str, ...] = ()


def read_inputs(environ: Mapping[str, str]) -> Inputs:
    """The inputs of a step.

    `INPUT_PATHS` has one path on each line. `INPUT_ARGS` is split as a shell does, and nothing in it is replaced.

    Raises:
        UsageError: an input has an impossible value.
    """
    command = environ.get("INPUT_COMMAND", "").strip()
    if command not in (*COMMANDS, *STEPS):
        raise UsageError(f"the input command is {command!r}", hint=f"write one of {', '.join((*COMMANDS, *STEPS))}")
    paths = tuple(filter(None, map(str.strip, environ.get("INPUT_PATHS", "").splitlines())))
    for path in paths:
        if path.startswith("-"):
            raise UsageError(f"the input paths has {path!r}, which is not a path", hint="write options into args")
    digests = tuple(environ.get("INPUT_DIGEST", "").split())
    for digest in digests:
        if not _DIGEST.fullmatch(digest):
            raise UsageError(
                f"the input digest has {digest!r}", hint="write sha256: and 64 digits, as the plan shows it"
            )
    if digests and command != "apply":
        raise UsageError(f"the input digest has no effect on {command}", hint="remove it, or write command: apply")
    try:
        args = tuple(shlex.split(environ.get("INPUT_ARGS", "")))
    except ValueError as error:
        raise UsageError(f"the input args cannot be split: {error}", hint="close the quote") from None
    return Inputs(command, paths, environ.get("INPUT_STATE", "").strip(), digests, args)
