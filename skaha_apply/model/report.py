"""What an apply tells while it works, and what it says at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.model.errors import ExitCode
    from skaha_apply.model.plan import Action
    from skaha_apply.model.reasons import Reason

REPORT_FORMAT = "1.0"


@dataclass(frozen=True, slots=True)
class Failure:
    """An action that was not carried out."""

    name: str
    action: str
    error: str


@dataclass(frozen=True, slots=True)
class ReplicaReport:
    """Where one replica stands; `name` is the live name, `replica` counts from 1, `id` its last session."""

    name: str
    replica: int
    id: str | None
    phase: str
    session: str = ""
    connect_url: str = ""


@dataclass(frozen=True, slots=True)
class FailedLog:
    """The saved log of a replica that failed; `tail` are its last lines, `path` where all of it is."""

    name: str
    id: str
    path: str
    tail: str


@dataclass(frozen=True, slots=True)
class Report:
    """The end of an apply: counts of what was carried out, what was not, and every replica in scope.

    `not_started` states after a wait which replicas did not start, and why. `resume` states which work is left for
    another invocation, "" if there is none.
    """

    project: str
    applied: Mapping[str, int]
    failed: tuple[Failure, ...]
    sessions: tuple[ReplicaReport, ...]
    exit_code: ExitCode
    notes: tuple[str, ...] = ()
    logs: tuple[FailedLog, ...] = ()
    not_started: tuple[NotStarted, ...] = ()
    resume: str = ""


@dataclass(frozen=True, slots=True)
class PassStarted:
    """A pass begins: so many actions will be carried out."""

    project: str
    total: int


@dataclass(frozen=True, slots=True)
class ActionEnded:
    """One action was carried out, or was not (`error`); `id` is the session that it made, adopted or deleted."""

    action: Action
    id: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class PhaseChanged:
    """A replica was seen in another phase. `group` is the name of its entry in the manifest where that is a matrix."""

    project: str
    session: str
    replica: int
    name: str
    id: str | None
    before: str
    after: str
    group: str = ""
    attempt: int = 1
    note: str = ""


@dataclass(frozen=True, slots=True)
class EntrySummary:
    """Where the replicas of one entry of the manifest stand, over all combinations of its matrix.

    `counts` are numbers of replicas by phase, or by what the plan says of those that wait, are blocked or in conflict.
    `failed` are the live names of those that failed for good. `longest` are the seconds for which `longest_name` has
    been running, longer than any other; `median` those that finished ones ran. Each is None where there is none.
    """

    name: str
    counts: Mapping[str, int]
    failed: tuple[str, ...] = ()
    longest: float | None = None
    longest_name: str = ""
    median: float | None = None

    @property
    def total(self) -> int:
        """How many replicas it has."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class NotStarted:
    """Why replicas of one entry do not start: `kind` is wait, blocked or conflict, `names` are some of them."""

    entry: str
    kind: str
    reason: Reason
    count: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PassEnded:
    """A pass of a wait ended: where each entry of the manifest stands, and why what waits is waiting."""

    project: str
    entries: tuple[EntrySummary, ...] = ()
    not_started: tuple[NotStarted, ...] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        """Numbers of replicas by phase, over all entries."""
        found: Counter[str] = Counter()
        for entry in self.entries:
            found.update(entry.counts)
        return found


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth a line on stderr."""

    text: str


Event = PassStarted | ActionEnded | PhaseChanged | PassEnded | Note
