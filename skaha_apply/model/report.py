"""The events of a running `apply`, and the report at its end."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.diagnostics import Severity
from skaha_apply.model.display.value_table import Tabular
from skaha_apply.model.errors import worst
from skaha_apply.model.progress.summary import ProjectSummary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from skaha_apply.model.diagnostics import Diagnostic
    from skaha_apply.model.errors import ExitCode
    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.progress.summary import EntrySummary, Pace, ProgressGroup
    from skaha_apply.model.reasons import Reason

REPORT_FORMAT = "1.2"


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
    """Failures with the same cause: the cause in one line, their number, and the live names of the first of them.

    `retried` is the number of those that have another attempt.
    """

    cause: str
    count: int
    names: tuple[str, ...]
    retried: int = 0


@dataclass(frozen=True, slots=True)
class FailedLog:
    """The saved log of a replica that failed; `tail` are its last lines, `path` is the file with the full log."""

    name: str
    id: str
    path: str
    tail: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a wait has used: `elapsed` seconds, core-hours of the sessions of the project, and the folder of the logs.

    `logs` is "" if no logs are saved.
    """

    elapsed: float
    core_hours: float
    logs: str = ""


@dataclass(frozen=True, slots=True)
class Report(Tabular):
    """The result of an apply: the counts of executed actions, the failed actions, and every replica in scope.

    `exit_codes` has an exit code for each thing that the apply leaves; the worst one is that of the invocation.
    `causes` are the causes of the failed replicas, the most frequent first. `plan` is the plan of the last pass.
    `not_started` states after a wait which replicas did not start, and why. `resume` states which work is left for
    another invocation, "" if there is none. `usage` is set after a wait.
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
    usage: Usage | None = None
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
class NotStarted:
    """Why replicas of one entry do not start: `kind` is wait, blocked or conflict, `names` are some of the replicas."""

    entry: str
    kind: str
    reason: Reason
    count: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PassEnded:
    """A pass of a wait ended: the numbers of the project after it, and the reasons not to start.

    `grid` returns the group of each replica by entry in lower case, in the order of the manifest. It looks at every
    replica and at the records of the pass, so a view that draws them calls it before the next pass.
    """

    project: str
    summary: ProjectSummary = field(default_factory=ProjectSummary)
    not_started: tuple[NotStarted, ...] = ()
    grid: Callable[[], Mapping[str, Sequence[ProgressGroup]]] = field(default=dict, compare=False, repr=False)

    @property
    def entries(self) -> tuple[EntrySummary, ...]:
        """The numbers of each entry, in the order of the manifest."""
        return self.summary.entries

    @property
    def pace(self) -> Pace:
        """How fast the replicas become done."""
        return self.summary.pace

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of replicas by phase, over all entries."""
        return self.summary.counts


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
