"""The status of a project: its replicas and entries, why replicas do not start, and the timeline of a run."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.display.value_table import Tabular, picture_of
from skaha_apply.model.errors import SkahaApplyError, UsageError
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.progress.summary import group_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from os import PathLike

    from skaha_apply.model.errors import ExitCode
    from skaha_apply.model.progress.summary import EntrySummary, Pace, ProgressGroup, ProjectSummary
    from skaha_apply.model.reasons import Reason
    from skaha_apply.model.report import NotStarted, SharedCause
    from skaha_apply.model.session import Number
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.state import StateDocument


@dataclass(frozen=True, slots=True)
class PeakUse:
    """The most that listings showed in use by a session, and what it requested; None is unknown. RAM is GiB."""

    ram: float | None = None
    cores: float | None = None
    requested_ram: Number | None = None
    requested_cores: Number | None = None


@dataclass(frozen=True)
class ReplicaStatus:
    """One replica. Times are Unix seconds by the server's clock, None if unknown.

    `action` is the action that a plan has for the replica, `reason` the reason of that action. `group` is the name of
    the entry as written if the entry has a matrix. `attempts` is the number of allowed attempts. `pending` is the
    seconds since the create was accepted, if the session is pending. `event` is the last line of its events, if the
    session has been pending for long. `cause` is why the last attempt failed, in one line, if it has failed. `ram` is
    the RAM in GiB that the attempt requested, if its spec had `retry_ram`. `used` is None without
    measurements of the server. It ended between `ended_after` and `ended`, the time of the listing that showed the end.
    `progress` is the word by which `EntrySummary.counts` counts it, "" if no entry does.
    """

    project: str
    session: str
    replica: int
    name: str
    phase: str
    id: str | None
    attempt: int
    started: float | None
    ended: float | None
    action: str
    reason: Reason
    connect_url: str = ""
    group: str = ""
    attempts: int = 1
    accepted: float | None = None
    pending: float | None = None
    event: str = ""
    cause: str = ""
    ram: Number | None = None
    used: PeakUse | None = None
    progress: str = ""
    ended_after: float | None = None


@dataclass(frozen=True)
class ProjectStatus(Tabular):
    """The status of one project. To iterate over it gives its replicas.

    `summary` has the numbers of the project and its entries. `exit_code` is 0 if nothing is left to do, 2 if something
    is active or can be done, 9 if a replica is failed, unknown, on hold or blocked, 8 if one is in conflict. `document`
    is the state, updated with the listing. `causes` are the causes of the failed replicas, the most frequent first.
    `offline` is why the server was not asked, "" if it was; then `at` is the time of the state.
    """

    project: str
    rows: tuple[ReplicaStatus, ...]
    summary: ProjectSummary
    not_started: tuple[NotStarted, ...]
    exit_code: ExitCode
    document: StateDocument
    causes: tuple[SharedCause, ...] = ()
    offline: str = ""

    @property
    def entries(self) -> tuple[EntrySummary, ...]:
        """The numbers of each entry, in the order of the manifest."""
        return self.summary.entries

    @property
    def pace(self) -> Pace:
        """How fast the replicas become done."""
        return self.summary.pace

    @property
    def at(self) -> float:
        """The time of the listing in Unix seconds."""
        return self.summary.at

    @property
    def changes(self) -> Mapping[str, int]:
        """How many replicas an apply would change now, by action: `create`, `replace`, `delete` and others."""
        counts = Counter(row.action for row in self.rows)
        return {kind.value: counts[kind.value] for kind in ActionKind if kind.changes and counts[kind.value]}

    @property
    def grid(self) -> Mapping[str, Sequence[ProgressGroup]]:
        """The group of each replica by entry in lower case, in the order of the manifest."""
        found: dict[str, list[ProgressGroup]] = {}
        for row in self.rows:
            if row.progress:
                found.setdefault((row.group or row.session).casefold(), []).append(group_of(row.progress))
        return found

    def __iter__(self) -> Iterator[ReplicaStatus]:
        return iter(self.rows)


@dataclass(frozen=True)
class ShownAttempt:
    """One attempt of a replica. Times are Unix seconds by the server's clock, None if unknown.

    `why` states why the replica ran again, "" for its first attempt. `cause` is why the attempt failed. `ram` is the
    RAM in GiB that it requested, if its spec had `retry_ram`. `used` is None if the server measured nothing. It ended
    between `ended_after` and `ended`, the time of the listing that showed the end.
    """

    attempt: int
    phase: str
    id: str | None
    why: str = ""
    cause: str = ""
    note: str = ""
    accepted: float | None = None
    started: float | None = None
    ended: float | None = None
    ram: Number | None = None
    used: PeakUse | None = None
    ended_after: float | None = None


@dataclass(frozen=True)
class ReplicaHistory(Tabular):
    """What is known of one replica.

    `spec` is the spec of its last session as its attempt requested it, else that of the manifest. `dependencies` are
    the entries that it needs, and `dependents` the entries that need its entry, each with `done of total`. `log` and
    `events` are the last lines of its log and its events; `log_attempt` is the number of the attempt of the log.
    `offline` is why the server was not asked, "" if it was. `at` is the time of the listing, or of the state.
    """

    status: ReplicaStatus
    spec: SessionSpec | None
    attempts: tuple[ShownAttempt, ...]
    dependencies: tuple[str, ...] = ()
    dependents: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    log_attempt: int = 0
    offline: str = ""
    at: float = 0.0


class SegmentKind(StrEnum):
    """The activity of a replica in a segment; a run that ended is named by its end."""

    WAITING = "waiting"  # accepted, not started
    RUNNING = "running"  # not ended yet
    DONE = "done"
    UNKNOWN = "unknown"
    DELETED = "deleted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of one attempt. Times are Unix seconds by the server's clock, `end` is not before `begin`.

    `observed_until` is the time of the last listing that showed the session in this state, None if that time is its
    end. Otherwise the session ended between `observed_until` and `end`, at a time that no listing showed.
    """

    kind: SegmentKind
    begin: float
    end: float
    observed_until: float | None = None

    @property
    def observed_end(self) -> float:
        """The end of the observed part."""
        return self.end if self.observed_until is None else self.observed_until


@dataclass(frozen=True, slots=True)
class Lane:
    """One replica: its live name, the name of its entry in the manifest, and its attempts in their order."""

    name: str
    entry: str
    segments: tuple[Segment, ...]
    attempts: int = 1

    @property
    def begin(self) -> float:
        """The time at which its first create was accepted."""
        return self.segments[0].begin


@dataclass(frozen=True)
class Timeline(Tabular):
    """One project at the time `at`: a lane for each replica with an accepted create, and the numbers of the project.

    `offline` is why the server was not asked, "" if it was.
    """

    project: str
    lanes: tuple[Lane, ...]
    summary: ProjectSummary
    offline: str = ""

    @property
    def at(self) -> float:
        """The time of the listing in Unix seconds."""
        return self.summary.at

    def save(self, file: str | PathLike[str]) -> None:
        """Draw the timeline in a file, whose suffix is .png or .svg.

        Raises:
            SkahaApplyError: matplotlib is not installed, the suffix is another one, or the file cannot be written.
        """
        path = Path(file)
        form = path.suffix.lower().removeprefix(".")
        if form not in ("png", "svg"):
            raise UsageError(
                f"{str(path)!r} is not the name of a picture", hint="Write a name that ends in .png or .svg."
            )
        try:
            path.write_bytes(picture_of(self, form))
        except OSError as error:
            raise SkahaApplyError(f"cannot write the picture {str(path)!r}: {error.strerror}") from error

    def _repr_html_(self) -> None:
        """No table, because a notebook shows the picture."""

    def _repr_png_(self) -> bytes | None:
        """The picture that a notebook shows; None without matplotlib."""
        try:
            return picture_of(self, "png")
        except SkahaApplyError:
            return None
