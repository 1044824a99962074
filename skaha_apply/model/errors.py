"""The one tree of errors that users see, and the one table of exit codes.

    SkahaApplyError                 exit 1
    ├── UsageError                  exit 4    the command line is not valid
    ├── ManifestError               exit 1    manifests that cannot be applied; carries diagnostics
    ├── ServerError                 exit 1    the Skaha server
    │   ├── Unreachable                       no connection, or no response in time
    │   ├── Unauthorized                      401, no credential, or an expired one
    │   ├── Forbidden                         403
    │   └── NotSkaha                          a response that no Skaha server sends (HTML, cut JSON, a redirect)
    ├── StateError                  exit 1    the state cannot be read, written or trusted
    │   └── StateLocked             exit 6
    │       └── AnotherController             another controller works on the project
    ├── StalePlan                   exit 5
    ├── SafetyRefusal               exit 7
    ├── TimeoutReached              exit 10
    └── Interrupted                 exit 130

Adapters translate the exceptions of their library into this tree; no layer above them handles another error.
"""

from __future__ import annotations

from enum import IntEnum

TYPE_CHECKING = False  # `--version` spares the import of typing
if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.diagnostics import Diagnostic, Location


MOST_SHOWN = 5  # problems of manifests in the text of an error


class ExitCode(IntEnum):
    """The exit codes of the process; scripts and CI rely on these numbers."""

    OK = 0
    ERROR = 1
    CHANGES = 2
    USAGE = 4
    STALE = 5
    LOCKED = 6
    REFUSED = 7
    PARTIAL = 8
    UNFINISHED = 9
    TIMEOUT = 10
    INTERRUPTED = 130


EXIT_PRECEDENCE: tuple[ExitCode, ...] = (
    ExitCode.INTERRUPTED,
    ExitCode.ERROR,
    ExitCode.LOCKED,
    ExitCode.STALE,
    ExitCode.USAGE,
    ExitCode.REFUSED,
    ExitCode.PARTIAL,
    ExitCode.TIMEOUT,
    ExitCode.UNFINISHED,
    ExitCode.CHANGES,
    ExitCode.OK,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The exit code for several reasons or projects: the first of them in `EXIT_PRECEDENCE`."""
    given = set(codes)
    return next((code for code in EXIT_PRECEDENCE if code in given), ExitCode.OK)


def text_with_hint(message: str, hint: str | None) -> str:
    """The text of an error in Python: the message, and on the next lines what to do. Control characters are escaped."""
    from skaha_apply.model.masking.inert_text import without_controls  # noqa: PLC0415 - `--version` spares the import

    return without_controls(f"{message}\nhint: {hint}" if hint else message)


class SkahaApplyError(Exception):
    """An error that a user can fix. As text it is the message, with the position before it and the hint below it.

    Args:
        message: what happened, in one sentence.
        hint: what to do next, None if unknown.
        location: the position in a manifest, None if there is none.
    """

    exit_code: ExitCode = ExitCode.ERROR

    def __init__(self, message: str, *, hint: str | None = None, location: Location | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.location = location

    @property
    def located_message(self) -> str:
        """The message with the position before it, without the hint."""
        has_place = self.location is not None and self.location.file
        return f"{self.location}: {self.message}" if has_place else self.message

    def __str__(self) -> str:
        return text_with_hint(self.located_message, self.hint)

    def _render_traceback_(self) -> list[str]:
        """The lines that IPython shows: those of the user's code, and the text."""
        from skaha_apply.model.display.short_traceback import short_traceback  # noqa: PLC0415 - only notebooks need it

        return short_traceback(self)


class UsageError(SkahaApplyError):
    """The command line cannot mean anything."""

    exit_code = ExitCode.USAGE


class ManifestError(SkahaApplyError):
    """Manifests that cannot be applied.

    Args:
        diagnostics: all diagnostics, errors first; at least one.
    """

    def __init__(self, diagnostics: tuple[Diagnostic, ...], *, hint: str | None = None) -> None:
        first = diagnostics[0]
        super().__init__(first.summary, hint=hint or first.detail or None, location=first.location)
        self.diagnostics = diagnostics

    def __str__(self) -> str:
        first, *others = self.diagnostics
        quoted = "\n".join(f"    {line}" for line in first.snippet.splitlines())
        text = text_with_hint("\n".join(filter(None, (self.located_message, quoted))), self.hint)
        shown = [
            f"{one.location}: {one.summary}" if one.location.file else one.summary for one in others[: MOST_SHOWN - 1]
        ]
        left = len(others) - len(shown)
        more = [f"{left} more {'problem is' if left == 1 else 'problems are'} in error.diagnostics"] if left else []
        return "\n".join((text, *(text_with_hint(line, None) for line in shown), *more))


class ServerError(SkahaApplyError):
    """The Skaha server sent no usable response."""


class Unreachable(ServerError):
    """No connection, or no response in time."""


class Unauthorized(ServerError):
    """The server refuses the credential (401), there is none, or it has expired."""


class Forbidden(ServerError):
    """The account is known and may not use the server (403)."""


class NotSkaha(ServerError):
    """A response that no Skaha server sends: HTML, JSON of another shape, a redirect."""


class StateError(SkahaApplyError):
    """The state cannot be read, written or trusted."""


class StateLocked(StateError):
    """Another process holds the lock of the state; the message names the owner and the time."""

    exit_code = ExitCode.LOCKED


class AnotherController(StateLocked):
    """Another controller works on the project; the message names it."""


class StalePlan(SkahaApplyError):
    """A saved plan differs from the plan that would be made now."""

    exit_code = ExitCode.STALE


class SafetyRefusal(SkahaApplyError):
    """A safety rule refuses the plan; the message names the option that lifts it."""

    exit_code = ExitCode.REFUSED


class TimeoutReached(SkahaApplyError):
    """The limit of `--timeout` is reached, or the server stayed unavailable."""

    exit_code = ExitCode.TIMEOUT


class Interrupted(SkahaApplyError):
    """SIGINT, SIGTERM, SIGHUP, or the cancellation of the task.

    Args:
        message: what happened.
        hint: what to do next.
        at_question: whether the signal arrived at a question, which then counts as declined.
        number: the number of the signal, 0 if it is unknown.
    """

    exit_code = ExitCode.INTERRUPTED

    def __init__(self, message: str, *, hint: str | None = None, at_question: bool = False, number: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.at_question = at_question
        self.number = number
