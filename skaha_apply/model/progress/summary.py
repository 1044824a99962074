"""The summary of a project: the numbers that plan, live table, `status`, page, metrics, notices and timeline show.

One function makes it (`planning.summary.project_summary`), so that two views of one moment show the same numbers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.reasons import ReasonCode
from skaha_apply.model.session import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping


class ProgressGroup(StrEnum):
    """Where a replica is, in one of few words: each replica counts in exactly one of them."""

    DONE = "done"
    RUNNING = "running"
    QUEUED = "queued"
    RETRYING = "retrying"
    BLOCKED = "blocked"
    FAILED = "failed"
    OTHER = "other"  # unknown, on hold, in conflict, protected


class QueuePart(StrEnum):
    """Why a replica of the group `queued` does not run: each such replica counts in exactly one of them."""

    SERVER = "server"  # its session is queued at the server
    SLOT = "slot"  # it waits for a slot in a limit
    DEPENDENCY = "dependency"  # it waits for a dependency, or for the pilot
    START = "start"  # it will be created, or a request for it is under way


# The words of `EntrySummary.counts` that each group counts. All others are in the group `other`.
PENDING_WORDS: tuple[str, ...] = (Phase.ACCEPTED, Phase.PENDING)
WAITING_WORDS: tuple[str, ...] = (
    *(ActionKind.WAIT, ActionKind.CREATE, ActionKind.REPLACE, ActionKind.ADOPT, Phase.DUE, Phase.GONE),
    ActionKind.UNCHANGED,  # its create is under way
)
GROUP_WORDS: Mapping[ProgressGroup, tuple[str, ...]] = {
    ProgressGroup.DONE: (Phase.DONE,),
    ProgressGroup.RUNNING: (Phase.RUNNING, Phase.TERMINATING, Phase.OTHER),
    ProgressGroup.QUEUED: (*PENDING_WORDS, *WAITING_WORDS),
    ProgressGroup.RETRYING: (ActionKind.RETRY,),
    ProgressGroup.BLOCKED: (ActionKind.BLOCKED,),
    ProgressGroup.FAILED: (Phase.FAILED,),
}
_PART_OF = {
    **dict.fromkeys(
        (ReasonCode.PARALLELISM_FULL, ReasonCode.PROJECT_FULL, ReasonCode.ACCOUNT_FULL, ReasonCode.INTERACTIVE_FULL),
        QueuePart.SLOT,
    ),
    **dict.fromkeys((ReasonCode.NEEDS_UNFINISHED, ReasonCode.PILOT_UNFINISHED), QueuePart.DEPENDENCY),
}
_GROUP_OF = {str(word): group for group, words in GROUP_WORDS.items() for word in words}


def group_of(word: str) -> ProgressGroup:
    """The group of a word of `EntrySummary.counts`, a phase or a kind of action."""
    return _GROUP_OF.get(word, ProgressGroup.OTHER)


def queue_part(word: str, code: ReasonCode) -> QueuePart | None:
    """The part of the queue of a word of `EntrySummary.counts`; `code` is why its action waits. None if not queued."""
    if word in PENDING_WORDS:
        return QueuePart.SERVER
    if word == ActionKind.WAIT:
        return _PART_OF.get(code, QueuePart.START)
    return QueuePart.START if word in WAITING_WORDS else None


@dataclass(frozen=True, slots=True)
class CoreHours:
    """Core-hours of a project or an entry. A flexible session counts with one core.

    `used` counts all recorded attempts, each from its start to the time at which its end was first seen, or to now.
    `lost` is the part of `used` in attempts that ended and are not done. `to_come` is expected from the median run
    time of each entry: the rest of its running replicas, and a whole run for each one that is queued. It leaves out
    entries without a finished replica, and interactive ones, which have no end. `to_come_is_upper_bound` states that
    a median in it is an upper bound.
    """

    used: float = 0.0
    lost: float = 0.0
    to_come: float = 0.0
    to_come_is_upper_bound: bool = False


@dataclass(frozen=True, slots=True)
class EntrySummary:
    """The phases of the replicas of one entry of the manifest, over all combinations of its matrix.

    `counts` are numbers of replicas by phase; replicas that do not start count by their action (wait, blocked,
    conflict). `failed` are the live names of replicas without another attempt. `longest` is the run time of
    `longest_name`, the replica that has been running longest; `median` is the median run time of finished replicas.
    Both are seconds, None if there is no such replica. `median_is_upper_bound` states that the end of no replica is
    known closely; see `RunTimes`. `stragglers` are running replicas with a run time over 3 times
    the median, each with its run time in seconds, the longest first.

    `began` and `ends` are as in `DecidedEntry`. `left` is the expected number of seconds until no replica is open; None
    if no replica has ended yet, or none is open. `open` counts replicas that are active or will become active. `needs`
    are entries in lower case. `batch` is false for an interactive entry, whose sessions have no end.

    `run_times` are the run times in seconds that 10 % and 90 % of the finished replicas do not exceed; None if fewer
    than 4 are known closely. `left_range` is the spread of `left` that follows from them.

    `for_slot` and `for_dependency` are the numbers of replicas that wait for a slot in a limit, and for a dependency.
    """

    name: str
    counts: Mapping[str, int]
    failed: tuple[str, ...] = ()
    longest: float | None = None
    longest_name: str = ""
    median: float | None = None
    median_is_upper_bound: bool = False
    stragglers: tuple[tuple[str, float], ...] = ()
    began: float | None = None
    ends: tuple[tuple[float, int], ...] = ()
    left: float | None = None
    open: int = 0
    needs: tuple[str, ...] = ()
    batch: bool = True
    run_times: tuple[float, float] | None = None
    left_range: tuple[float, float] | None = None
    core_hours: CoreHours = field(default_factory=CoreHours)
    for_slot: int = 0
    for_dependency: int = 0

    @property
    def total(self) -> int:
        """The number of replicas."""
        return sum(self.counts.values())

    @property
    def groups(self) -> Mapping[ProgressGroup, int]:
        """The number of replicas in each group, all groups present; their sum is `total`."""
        return _groups(self.counts)

    @property
    def queue(self) -> Mapping[QueuePart, int]:
        """The number of queued replicas in each part, all parts present; their sum is that of the group `queued`."""
        server = sum(self.counts.get(word, 0) for word in PENDING_WORDS)
        start = self.groups[ProgressGroup.QUEUED] - server - self.for_slot - self.for_dependency
        return dict(zip(QueuePart, (server, self.for_slot, self.for_dependency, start), strict=True))


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the replicas of a project become done; interactive sessions do not count.

    `rate` is the number of replicas per second that became done lately, None if none did or none is open: `recent`
    replicas in the last `window` seconds, of which the last `quiet` seconds are those since the last one. `elapsed` are
    the seconds since the first create was accepted, up to the last end if nothing is open; None before. `left` are the
    expected seconds until nothing is open: from the median run time of each entry, its open replicas and its limit. It
    is None if it is unknown. `not_estimated` are open entries without an ended replica, which `left` leaves out:
    with some, `left` is the least time, and the end is not known.
    `left_range` is the spread of `left`: the same from short and from long run times; None if it is unknown.
    `left_is_upper_bound` states that a median in `left` is an upper bound.
    """

    done: int = 0
    total: int = 0
    rate: float | None = None
    elapsed: float | None = None
    left: float | None = None
    not_estimated: tuple[str, ...] = ()
    left_range: tuple[float, float] | None = None
    recent: int = 0
    window: float | None = None
    quiet: float | None = None
    left_is_upper_bound: bool = False


@dataclass(frozen=True, slots=True)
class ExpectedEnd:
    """When nothing will be open any more, in Unix seconds; `earliest` and `latest` are its spread, None if unknown."""

    at: float
    earliest: float | None = None
    latest: float | None = None


@dataclass(frozen=True, slots=True)
class PlannedCost:
    """The core-hours that the replicas of a plan will use, if each needs one more attempt.

    `expected` counts replicas of an entry with finished replicas by the median of their run times; `expected_for` is
    their number. `at_most` counts replicas with a `timeout`; `bounded` is their number. `replicas` is the number of
    all that will be created, `unknown` of those with neither. `expected_is_upper_bound` states that one of the medians
    is an upper bound.
    """

    replicas: int = 0
    expected: float = 0.0
    expected_for: int = 0
    at_most: float = 0.0
    bounded: int = 0
    unknown: int = 0
    expected_is_upper_bound: bool = False


@dataclass(frozen=True, slots=True)
class ProjectSummary:
    """The numbers of a project at the time `at`, in Unix seconds by the server's clock.

    `entries` are in the order of the manifest. `planned` is the cost of the replicas that a plan will create, now or
    later; `core_hours.to_come` is that cost and the rest of the sessions that are active.
    """

    at: float = 0.0
    entries: tuple[EntrySummary, ...] = ()
    pace: Pace = field(default_factory=Pace)
    core_hours: CoreHours = field(default_factory=CoreHours)
    planned: PlannedCost = field(default_factory=PlannedCost)

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of replicas by phase or action, over all entries."""
        found: Counter[str] = Counter()
        for entry in self.entries:
            found.update(entry.counts)
        return found

    @property
    def total(self) -> int:
        """The number of replicas."""
        return sum(entry.total for entry in self.entries)

    @property
    def groups(self) -> Mapping[ProgressGroup, int]:
        """The number of replicas in each group, all groups present; their sum is `total`."""
        return _groups(self.counts)

    @property
    def queue(self) -> Mapping[QueuePart, int]:
        """The number of queued replicas in each part, over all entries."""
        return {part: sum(entry.queue[part] for entry in self.entries) for part in QueuePart}

    @property
    def expected_end(self) -> ExpectedEnd | None:
        """When nothing will be open any more.

        It is None if nothing is open, or if an open entry has no ended replica, so that its run times are not known.
        """
        if self.pace.left is None or self.pace.not_estimated:
            return None
        earliest, latest = self.pace.left_range or (None, None)
        return ExpectedEnd(
            self.at + self.pace.left,
            None if earliest is None else self.at + earliest,
            None if latest is None else self.at + latest,
        )

    @property
    def not_before(self) -> float | None:
        """The least time of the end in Unix seconds, if some open entries have an ended replica and others have none.

        Otherwise it is None: see `expected_end`. It is None too if the known part of the time is an upper bound.
        """
        pace = self.pace
        is_known = pace.left is not None and pace.not_estimated and not pace.left_is_upper_bound
        return self.at + pace.left if is_known and pace.left is not None else None


def _groups(counts: Mapping[str, int]) -> Mapping[ProgressGroup, int]:
    found = dict.fromkeys(ProgressGroup, 0)
    for word, count in counts.items():
        found[group_of(word)] += count
    return found
