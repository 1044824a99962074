"""The settings of one invocation, from the command line or a script."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.project import VariableValues

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.model.report import Event
    from skaha_apply.sandbox import Rehearsal


def log_note(event: Event) -> None:
    """Write notes to the log as warnings, if no observer is given."""
    import logging  # noqa: PLC0415 - few invocations have a note and no observer

    from skaha_apply.model.report import Note  # noqa: PLC0415 - see above

    if isinstance(event, Note):
        logging.getLogger(__name__).warning("%s", event.text)


def _unchanged(text: str) -> str:
    """The text; the command line and a connection of Python mask IDs in place of this."""
    return text


def _no_one(_session_id: str, _url: str) -> None:
    """Ignore an ID, because values of the Python API contain IDs."""


@dataclass(frozen=True)
class Settings:
    """The places of manifests, server and state, and the limits for requests to the server.

    Times are seconds. `credential_command` is a command that prints the credential. `server` is a name or URL, `state`
    a path or URL, `state_history` the number of commits that a state in git keeps; None takes the defaults.
    `state_logs` states whether the logs of failed replicas are stored next to the state. `rehearsal`
    is what the sandbox must do with sessions; None takes a running one as it is. `given` are the values of variables.
    `cwd` is the working directory, to which paths are relative. `command` are the words of the command line, for hints
    that repeat it; a script has none.
    `publish` masks what others must not read in a text that is stored next to the state.
    `observe` gets the notes of a state store (an expired lock that it takes over, a state that it keeps in a rescue
    file). `identify` gets the ID and the address of each interactive session that server or state show, so that no
    output holds them.
    """

    paths: tuple[str, ...] = ()
    server: str | None = None
    credential_command: str | None = None
    sandbox: bool = False
    rehearsal: Rehearsal | None = None
    state: str | None = None
    state_history: int | None = None
    state_logs: bool = False
    project: str | None = None
    concurrency: int = 32
    settle: float = 5.0
    lock_timeout: float = 0.0
    keep_logs: bool = True
    given: VariableValues = field(default_factory=VariableValues)
    cwd: Path = field(default_factory=Path.cwd)
    command: tuple[str, ...] = ()
    observe: Callable[[Event], None] = field(default=log_note, compare=False)
    identify: Callable[[str, str], None] = field(default=_no_one, compare=False)
    publish: Callable[[str], str] = field(default=_unchanged, compare=False)

    def note(self, text: str) -> None:
        """Give a note to the observer."""
        from skaha_apply.model.report import Note  # noqa: PLC0415 - few invocations have a note

        self.observe(Note(text))

    @property
    def sources(self) -> tuple[str, ...]:
        """The manifests to load. If no path is given: `manifests/` if it exists, else the working directory."""
        if self.paths:
            return self.paths
        return ("manifests",) if (self.cwd / "manifests").is_dir() else (".",)
