"""The end of every exception: a command that raises prints a message on standard error and returns an exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from skaha_apply.cli.invocation import command_words, repeat_command, set_shared
from skaha_apply.cli.options import AccountOptions, CommonOptions, CredentialOptions, StateOptions
from skaha_apply.cli.output.masking import clear_secrets, mask_traceback
from skaha_apply.cli.output.session_ids import clear_ids
from skaha_apply.cli.output.streams import Streams
from skaha_apply.model.errors import ExitCode, Interrupted, ManifestError, SkahaApplyError

if TYPE_CHECKING:
    from collections.abc import Callable

Options = TypeVar("Options", bound=CommonOptions)


def guarded(command: Callable[[Options], ExitCode], options: Options) -> ExitCode:
    """Run a command; returns its exit code, or the exit code of the error that it raised."""
    streams = Streams(color=not options.no_color)
    clear_secrets()
    clear_ids()
    _keep_shared_options(options)
    try:
        return command(options)
    except ManifestError as error:
        streams.notify_diagnostics(error.diagnostics)
        _suggest_names(streams, error)
        return error.exit_code
    except SkahaApplyError as error:
        if not (isinstance(error, Interrupted) and error.at_question):  # the question has reported it
            streams.show_error(error)
        return error.exit_code
    except KeyboardInterrupt:
        streams.notify_line("interrupted")
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - a bug of the tool must not look like a mistake of the user
        return _show_bug(streams, error, verbose=options.verbose)
    finally:
        streams.end()


def _keep_shared_options(options: CommonOptions) -> None:
    """Let the commands in hints repeat the options that choose server, state and project."""
    if not isinstance(options, AccountOptions | StateOptions):
        return
    credential = options.credential_command if isinstance(options, AccountOptions | CredentialOptions) else None
    shared = {
        "--server": options.server,
        "--credential-command": credential,
        "--sandbox": "" if options.uses_sandbox else None,
    }
    if isinstance(options, StateOptions):
        set_shared({**shared, "--state": options.state, "--project": options.project}, options.sources)
    else:
        set_shared(shared, ())


def _suggest_names(streams: Streams, error: ManifestError) -> None:
    """Print what to write if a path that does not exist can be the name of a session."""
    paths = [one.location.file for one in error.diagnostics if one.rule == "file"]
    if paths and command_words():
        from skaha_apply.cli.command_line import parameters_of  # noqa: PLC0415 - only after a mistake
        from skaha_apply.cli.foreign.suggestion import suggest_name  # noqa: PLC0415

        hint = suggest_name(paths[0], command_words(), parameters_of)
        if hint:
            streams.notify_hint(hint)


def _show_bug(streams: Streams, error: Exception, *, verbose: bool) -> ExitCode:
    """Report an unexpected exception.

    Its message can hold a value of the user, so only -v prints it, masked. A traceback shows code and no values.
    """
    if verbose:
        import traceback  # noqa: PLC0415 - seldom needed

        streams.notify(mask_traceback("".join(traceback.format_exception(error))))
    hint = "report the bug with this traceback" if verbose else f"to see the traceback: {repeat_command()} -v"
    streams.message("error", f"unexpected {type(error).__name__}: this is a bug of skaha-apply", hint)
    return ExitCode.ERROR
