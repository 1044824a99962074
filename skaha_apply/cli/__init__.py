"""The command line: from options to one workflow, from its result to text and an exit code.

Commands import heavy modules inside functions, so that `--help` stays fast.
"""

from __future__ import annotations

import atexit
import gc
import sys

from skaha_apply.cli.signals import as_interrupts
from skaha_apply.model.errors import ExitCode

TYPE_CHECKING = False  # `--version` spares the import of typing
if TYPE_CHECKING:
    from collections.abc import Sequence


# New objects between two garbage collections; the default of 700 costs a short invocation a tenth of its time.
GC_THRESHOLD = 50_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (default: that of the process) and return the exit code; it raises no exception.

    Run it in the main thread: SIGTERM and SIGHUP interrupt the command as Ctrl-C does.
    """
    gc.set_threshold(GC_THRESHOLD, 20, 20)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)  # the interpreter's last collection would search all objects again
    try:
        with as_interrupts():
            from skaha_apply.cli.output.outlet import standard_output  # noqa: PLC0415 - an interrupt is caught below

            with standard_output() as final_code:
                return int(final_code(_run(sys.argv[1:] if arguments is None else list(arguments))))
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)


def _run(words: list[str]) -> ExitCode:
    """Run one command line. Only words that `overview` cannot read cost the import of the parser."""
    from skaha_apply.cli.overview import show_overview  # noqa: PLC0415 - an interrupt is caught above

    code = show_overview(words)
    if code is None:
        from skaha_apply.cli.command_line import run_words  # noqa: PLC0415 - see above

        code = run_words(words)
    return code
