"""Standard input as a file, and standard output and error as outlets."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from skaha_apply.cli.outlet import Outlet, occupy_descriptors
from skaha_apply.model.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def stdin_bytes(what: str = "a manifest") -> bytes:
    """All of standard input, which is `what`; raises `UsageError` where there is none."""
    if sys.stdin is None or sys.stdin.closed:
        raise UsageError(f"there is no standard input to read {what} from")
    return sys.stdin.buffer.read()


@contextmanager
def standard_output() -> Iterator[Callable[[ExitCode], ExitCode]]:
    """Put outlets in place of standard output and error, also for the parser of the command line and tracebacks.

    Gives the function that turns the exit code of a command into that of the process: a result that could not be
    written is an error.
    """
    occupy_descriptors()
    before = sys.stdout, sys.stderr
    out, err = Outlet(sys.stdout), Outlet(sys.stderr)
    sys.stdout, sys.stderr = out, err

    def ended(code: ExitCode) -> ExitCode:
        if not out.is_lost:
            return code
        err.write(f"error: cannot write to standard output: {out.problem}\n")
        return code if code is ExitCode.INTERRUPTED else ExitCode.ERROR

    try:
        yield ended
    finally:
        sys.stdout, sys.stderr = before
