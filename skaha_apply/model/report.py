"""The events of a running `apply`, and the report at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.display.value_table import Tabular
from skaha_apply.model.errors import worst

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.model.diagnostics import Diagnostic
    from skaha_apply.model.errors import ExitCode
    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.reasons import Reason

REPORT_FORMAT = "1.1"


@dataclass(frozen=True, slots=True)
class Failure:
    """An action that was not carried out."""

    name: str
    action: str
    error: str


@dataclass(frozen=True, slots=True)
class ReplicaReport:
    """The phase of one replica; `name` is the live name, `replica` counts from 1, `id` is its last session.

    `cause` is why it failed in one line, "" if it did not fail or nothing states the cause.
    """

    name: str
    replica: int
    id: str | None
    phase: str
    session: str = ""
    connect_url: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True)
class SharedCause:
    """Failures with the same cause: the cause in one line, their number, and the live names of the first of them."""

    cause: str
    count: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FailedLog:
    """The saved log of a replica that failed; `tail` are its last lines, `path` is the file with the full log."""

    name: str
    id: str
    path: str
    tail: str


@dataclass(frozen=True, slots=True)
class Report(Tabular):
    """The result of an apply: the counts of executed actions, the failed actions, and every replica in scope.

    `exit_codes` has an exit code for each thing that the apply leaves; the worst one is that of the invocation.
    `causes` are the causes of the failed replicas, the most frequent first. `plan` is the plan of the last pass.
    `not_started` states after a wait which replicas did not start, and why. `resume` states which work is left for
    another invocation, "" if there is none.
    """

    project: str
    applied: Mapping[str, int]
    failed: tuple[Failure, ...]
    sessions: tuple[ReplicaReport, ...]
    exit_codes: frozenset[ExitCode]
    notes: tuple[str, ...] = ()
    logs: tuple[FailedLog, ...] = ()
    not_started: tuple[NotStarted, ...] = ()
    resume: str = ""
    causes: tuple[SharedCause, ...] = ()
    plan: Plan | None = field(default=None, compare=False, repr=False)

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the invocation."""
        return worst(self.exit_codes)


@dataclass(frozen=True, slots=True)
class PassStarted:
    """A pass begins: `total` actions will be carried out."""

    project: str
    total: int


@dataclass(frozen=True, slots=True)
class ActionEnded:
    """One action was carried out, or failed (`error`); `id` is the session that it created, adopted or deleted."""

    action: Action
    id: str | None = None
    error: str | None = None


UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class PhaseChanged:
    """A listing showed a replica in another phase.

    `before` is its earlier phase, or `UNCONFIRMED` if an unconfirmed create made the session.
    `group` is the name of its entry if the entry has a matrix.
    """

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
class FailureCause:
    """Why a replica failed; `name` is its live name. `cause` is "" if neither its log nor its events state one."""

    session: str
    replica: int
    name: str
    cause: str


@dataclass(frozen=True, slots=True)
class CausesFound:
    """Logs and events of failed replicas were read; it follows the `PhaseChanged` of these replicas."""

    project: str
    failures: tuple[FailureCause, ...]


@dataclass(frozen=True, slots=True)
class EntrySummary:
    """The phases of the replicas of one entry of the manifest, over all combinations of its matrix.

    `counts` are numbers of replicas by phase; replicas that do not start count by their action (wait, blocked,
    conflict). `failed` are the live names of replicas without another attempt. `longest` is the run time of
    `longest_name`, the replica that has been running longest; `median` is the median run time of finished replicas.
    Both are seconds, None if there is no such replica. `stragglers` are running replicas with a run time over 3 times
    the median, each with its run time in seconds, the longest first.

    `began` and `ends` are as in `DecidedEntry`. `left` is the expected number of seconds until no replica is open; None
    if no replica has ended yet, or none is open. `open` counts replicas that are active or will become active. `needs`
    are entries in lower case. `batch` is false for an interactive entry, whose sessions have no end.
    """

    name: str
    counts: Mapping[str, int]
    failed: tuple[str, ...] = ()
    longest: float | None = None
    longest_name: str = ""
    median: float | None = None
    stragglers: tuple[tuple[str, float], ...] = ()
    began: float | None = None
    ends: tuple[tuple[float, int], ...] = ()
    left: float | None = None
    open: int = 0
    needs: tuple[str, ...] = ()
    batch: bool = True

    @property
    def total(self) -> int:
        """The number of replicas."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the replicas of a project become done; interactive sessions do not count.

    `rate` is the number of replicas per second that became done lately, None if none did or none is open. `elapsed` are
    the seconds since the first create was accepted, up to the last end if nothing is open; None before. `left` are the
    expected seconds until nothing is open: from the median run time of each entry, its open replicas and its limit. It
    is None if it is unknown. `not_estimated` are open entries without an ended replica, which `left` leaves out.
    """

    done: int = 0
    total: int = 0
    rate: float | None = None
    elapsed: float | None = None
    left: float | None = None
    not_estimated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotStarted:
    """Why replicas of one entry do not start: `kind` is wait, blocked or conflict, `names` are some of the replicas."""

    entry: str
    kind: str
    reason: Reason
    count: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PassEnded:
    """A pass of a wait ended: the counts of each entry of the manifest, the reasons not to start, and the pace."""

    project: str
    entries: tuple[EntrySummary, ...] = ()
    not_started: tuple[NotStarted, ...] = ()
    pace: Pace = field(default_factory=Pace)

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of replicas by phase, over all entries."""
        found: Counter[str] = Counter()
        for entry in self.entries:
            found.update(entry.counts)
        return found


@dataclass(frozen=True, slots=True)
class Note:
    """A line for standard error."""

    text: str


@dataclass(frozen=True, slots=True)
class EndedEarly:
    """An error or an interrupt ended the work of a project; `report` is what was done before."""

    report: Report


Event = PassStarted | ActionEnded | PhaseChanged | CausesFound | PassEnded | EndedEarly | Note


@dataclass(frozen=True)
class ProjectResult:
    """What a command has for one project: the plan that it made, or carried out, and the report of what it did.

    Both are None if the command ended before it had them; `plan` has no report.
    """

    project: str
    plan: Plan | None = None
    report: Report | None = None

    @property
    def left_manifest(self) -> int:
        """The number of replicas in the state that are in the manifest no longer."""
        gone = (action for action in self.plan.actions if action.desired is None) if self.plan else ()
        return sum(action.record is not None and action.kind.is_counted for action in gone)


@dataclass(frozen=True)
class CommandResult:
    """What a `plan`, `apply` or `refresh` leaves, also if it failed: the content of its report files.

    `errors` has the messages of the errors that ended the command, or the work of a project. `diagnostics` are those of
    the manifests.
    """

    command: str
    exit_code: ExitCode
    projects: tuple[ProjectResult, ...] = ()
    errors: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def lint_counts(self) -> dict[str, int]:
        """The number of errors and of warnings in the manifests."""
        errors = sum(one.severity is Severity.ERROR for one in self.diagnostics)
        return {"errors": errors, "warnings": len(self.diagnostics) - errors}
