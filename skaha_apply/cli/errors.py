"""Where exceptions end: whatever a command raises becomes a message on standard error and an exit code."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, TypeVar

from skaha_apply.cli.options import CommonOptions
from skaha_apply.cli.output.masking import clear_secrets, mask_traceback
from skaha_apply.cli.output.session_ids import clear_ids
from skaha_apply.cli.output.streams import Streams
from skaha_apply.model.errors import ExitCode, Interrupted, ManifestError, SkahaApplyError
from skaha_apply.render.lint.text import printable_diagnostics

if TYPE_CHECKING:
    from collections.abc import Callable

Options = TypeVar("Options", bound=CommonOptions)


def guarded(command: Callable[[Options], ExitCode], options: Options) -> ExitCode:
    """Run a command; its exit code, or that of the error that ended it."""
    streams = Streams(colour=not options.no_color)
    clear_secrets()
    clear_ids()
    try:
        return command(options)
    except ManifestError as error:
        _show_diagnostics(streams, error)
        return error.exit_code
    except SkahaApplyError as error:
        streams.show_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        streams.show_error(Interrupted("interrupted"))
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - a defect of ours must not look like one of the user's
        return _show_bug(streams, error, verbose=options.verbose)


def _show_diagnostics(streams: Streams, error: ManifestError) -> None:
    streams.notify(printable_diagnostics(error.diagnostics))


def _show_bug(streams: Streams, error: Exception, *, verbose: bool) -> ExitCode:
    """A traceback shows code and no values; the message of a foreign exception might hold one, so it waits for -v."""
    if verbose:
        streams.notify(mask_traceback("".join(traceback.format_exception(error))))
    hint = "please report it" if verbose else "-v shows the traceback; please report it"
    streams.message("error", f"unexpected {type(error).__name__}: this is a defect of skaha-apply", hint)
    return ExitCode.ERROR
