"""Where exceptions end: whatever a command raises becomes a message on standard error and an exit code."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, TypeVar

from skaha_apply.cli.options import CommonOptions
from skaha_apply.cli.output.masking import lift, veiled_defect
from skaha_apply.cli.output.session_ids import forget_ids
from skaha_apply.cli.output.streams import Streams
from skaha_apply.model.errors import ExitCode, Interrupted, ManifestError, SkahaApplyError
from skaha_apply.render.errors import problems_text

if TYPE_CHECKING:
    from collections.abc import Callable

Options = TypeVar("Options", bound=CommonOptions)


def guarded(command: Callable[[Options], ExitCode], options: Options) -> ExitCode:
    """Run a command; its exit code, or that of the error that ended it."""
    streams = Streams(colour=not options.no_color)
    lift()
    forget_ids()
    try:
        return command(options)
    except ManifestError as error:
        _findings(streams, error)
        return error.exit_code
    except SkahaApplyError as error:
        streams.fail(error)
        return error.exit_code
    except KeyboardInterrupt:
        streams.fail(Interrupted("interrupted"))
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - a defect of ours must not look like one of the user's
        return _defect(streams, error, verbose=options.verbose)


def _findings(streams: Streams, error: ManifestError) -> None:
    streams.tell(problems_text(error.diagnostics))


def _defect(streams: Streams, error: Exception, *, verbose: bool) -> ExitCode:
    """A traceback shows code and no values; the message of a foreign exception might hold one, so it waits for -v."""
    if verbose:
        streams.tell(veiled_defect("".join(traceback.format_exception(error))))
    hint = "please report it" if verbose else "-v shows the traceback; please report it"
    streams.message("error", f"unexpected {type(error).__name__}: this is a defect of skaha-apply", hint)
    return ExitCode.ERROR
