"""The command line: options in, one workflow, text out, an exit code. Heavy imports happen inside the commands."""

from __future__ import annotations

import atexit
import gc
from typing import TYPE_CHECKING

from skaha_apply.cli.signals import as_interrupts
from skaha_apply.model.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence


OBJECTS = 50_000  # new ones between two collections; the default of 700 costs a short call a tenth of its time


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (default: that of the process) and give the exit code; no exception leaves it.

    Call it in the main thread: SIGTERM and SIGHUP interrupt the command as Ctrl-C does.
    """
    gc.set_threshold(OBJECTS, 20, 20)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)  # what is left at the end is not searched for garbage once more
    try:
        with as_interrupts():
            from skaha_apply.cli.output.streams import standard_output  # noqa: PLC0415 - an interrupt is caught below

            with standard_output() as ended:
                from skaha_apply.cli.command_line import call  # noqa: PLC0415 - as above

                return int(ended(call(arguments)))
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
