"""The progress of a project in numbers, by entry of the manifest, and the reasons why other replicas wait."""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING, NamedTuple

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.plan import ActionKind, DecidedEntry
from skaha_apply.model.progress.core_time import core_hours
from skaha_apply.model.progress.run_times import RunTimes
from skaha_apply.model.progress.summary import CoreHours, EntrySummary, QueuePart, queue_part
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.model.report import NotStarted
from skaha_apply.model.session import Phase
from skaha_apply.planning.entries import merged_needs
from skaha_apply.planning.summary.core_hours import DUE, HOUR, core_time, cores_of, run_time_bounds
from skaha_apply.planning.summary.pace import (
    began,
    expected_runs,
    last_ends,
    stragglers,
    time_left,
    time_left_range,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from skaha_apply.model.plan import Action
    from skaha_apply.model.progress.core_time import CoreTime
    from skaha_apply.model.spec import ReplicaKey, SessionSpec
    from skaha_apply.model.state import ReplicaRecord

NAMED = 5  # names that a hold and a note give
# The words of replicas that are active or will become active.
_OPEN = frozenset(
    {
        *(phase.value for phase in Phase if phase.active),
        *(kind.value for kind in (ActionKind.CREATE, ActionKind.RETRY, ActionKind.REPLACE, ActionKind.WAIT)),
        Phase.DUE.value,
        Phase.GONE.value,
    }
)
_NOT_STARTED = frozenset(kind for kind in ActionKind if kind.keeps_from_starting)


def progress_word(action: Action, record: ReplicaRecord | None) -> str:
    """The progress of a replica in a word: what keeps it from starting, else the phase of its session.

    A replica that is due again counts as planned, not as ended. A failed one that waits for its next attempt counts as
    a retry.
    """
    if action.kind is ActionKind.WAIT and record is not None and record.phase is Phase.FAILED:
        return ActionKind.RETRY.value
    if action.kind in _NOT_STARTED or action.kind is ActionKind.DONE or record is None:
        return action.kind.value
    same = action.record is not None and action.record.id == record.id
    is_due_again = action.kind in (ActionKind.CREATE, ActionKind.RETRY) and record.phase.ended and same
    return action.kind.value if is_due_again else record.phase.value


def has_another_attempt(action: Action, record: ReplicaRecord | None) -> bool:
    """Whether a replica has failed and runs again without a mark: it counts as a retry or a create, not as failed."""
    again = (ActionKind.RETRY.value, ActionKind.CREATE.value)
    return record is not None and record.phase is Phase.FAILED and progress_word(action, record) in again


@dataclass(frozen=True)
class Snapshot:
    """What a summary is made from, in addition to actions.

    `records` are the records of the replicas by key, `specs` those of the state. `now` is in Unix seconds by the
    server's clock. `limit` is the number of sessions of the project that can be active at the same time, None for no
    limit.
    """

    records: Mapping[ReplicaKey, ReplicaRecord]
    now: float
    specs: Mapping[str, SessionSpec] = field(default_factory=dict)
    limit: int | None = None

    def record(self, action: Action) -> ReplicaRecord | None:
        """The record of the replica of an action."""
        return self.records.get(action.key)

    def spec(self, action: Action) -> SessionSpec | None:
        """The spec of the last session of a replica, else the desired one."""
        return self._spec(action, self.record(action))

    def replica(self, action: Action) -> SummarizedReplica:
        """The replica of an action."""
        record = self.record(action)
        return SummarizedReplica(action, record, self._spec(action, record), progress_word(action, record))

    def _spec(self, action: Action, record: ReplicaRecord | None) -> SessionSpec | None:
        recorded = self.specs.get(record.spec) if record is not None else None
        return recorded or (action.desired.spec if action.desired is not None else None)


class SummarizedReplica(NamedTuple):
    """A replica with its action, its record, the spec of its last session or else the desired one, and its progress."""

    action: Action
    record: ReplicaRecord | None
    spec: SessionSpec | None
    word: str

    @property
    def is_planned(self) -> bool:
        """See the function `is_planned`."""
        return _is_planned(self.action, self.record)


def is_in_summary(action: Action) -> bool:
    """Whether a replica counts: it is in the manifest, or its session runs to its end."""
    return action.desired is not None or _finishes(action)


def entry_summaries(
    actions: Iterable[Action], snapshot: Snapshot, decided_before: Iterable[DecidedEntry] = ()
) -> tuple[EntrySummary, ...]:
    """The progress of entries: those of `decided_before` in their order, then the others in the order of the actions.

    Args:
        actions: see `is_in_summary` for those that count.
        snapshot: the records after what was carried out of the plan.
        decided_before: the replicas of the plan that are not in `actions`, by entry; see `Plan.decided_before`.
    """
    before = {entry.name.casefold(): entry for entry in decided_before}
    entries: dict[str, list[Action]] = {label: [] for label in before}
    for action in actions:
        if is_in_summary(action):
            entries.setdefault((action.group or action.session).casefold(), []).append(action)
    found = ((before.get(label) or DecidedEntry(""), members) for label, members in entries.items())
    return tuple(
        _Entry(entry, list(map(snapshot.replica, members)), snapshot).summary()
        for entry, members in found
        if members or entry.done
    )


def _finishes(action: Action) -> bool:
    """Whether the replica left the manifest and its session runs to its end."""
    return action.kind is ActionKind.UNCHANGED and action.record is not None and action.record.phase.active


@dataclass
class _Entry:
    """The replicas of one entry: those of earlier plans, and the others."""

    before: DecidedEntry
    members: Sequence[SummarizedReplica]
    snapshot: Snapshot

    def summary(self) -> EntrySummary:
        """The progress of the entry."""
        before, known = self.before, [one.record for one in self.members if one.record is not None]
        words = Counter(one.word for one in self.members)
        counts = Counter({ActionKind.DONE.value: before.done} if before.done else {}) + words
        running = list(self._running())
        longest, name = max(running, default=(None, ""), key=lambda one: one[0] or 0.0)
        run_times = before.run_times.with_more(run_time_bounds(known))
        median, extremes = run_times.median, run_times.spread
        ran = [seconds for seconds, _ in running]
        queued = sum(counts[word] for word in _OPEN) - len(ran)
        actions, queue = [one.action for one in self.members], self._queue()
        spec = next((action.desired.spec for action in actions if action.desired is not None), None)
        batch, slots = spec is None or not spec.kind.interactive, self._slots(counts, spec)
        time, open_specs = self._core_time(), list(self._open_specs())
        retries = max((one.retries for one in open_specs), default=0)
        more = expected_runs(len(ran) + queued, time.lost_for_done, retries) - len(ran)
        return EntrySummary(
            name=actions[0].group or actions[0].session if actions else before.name,
            counts=dict(counts),
            failed=tuple(one.action.name for one in self.members if one.word == Phase.FAILED),
            longest=longest,
            longest_name=name,
            median=median,
            median_is_upper_bound=run_times.are_upper_bounds,
            stragglers=stragglers(running, median),
            began=began(known, before.began),
            ends=last_ends(known, before.ends),
            left=time_left(median, ran, more, slots),
            open=len(ran) + queued,
            needs=tuple(merged_needs(one.needs for one in open_specs)),
            batch=batch,
            run_times=extremes,
            left_range=time_left_range(median, extremes, ran, more, slots),
            core_hours=self._core_hours(time, run_times if batch else RunTimes()),
            for_slot=queue[QueuePart.SLOT],
            for_dependency=queue[QueuePart.DEPENDENCY],
        )

    def _queue(self) -> Counter[QueuePart | None]:
        """The number of replicas that wait for each thing."""
        return Counter(
            queue_part(one.word, one.action.reason.code) for one in self.members if one.word == ActionKind.WAIT
        )

    def _running(self) -> Iterator[tuple[float, str]]:
        """The run times and names of the running replicas."""
        for _, record, _, word in self.members:
            if word == Phase.RUNNING and record is not None and record.started is not None:
                yield max(0.0, self.snapshot.now - record.started), record.name

    def _open_specs(self) -> Iterator[SessionSpec]:
        """The desired specs of the replicas that are active or will become active; combinations can differ."""
        for one in self.members:
            if one.word in _OPEN and one.action.desired is not None:
                yield one.action.desired.spec

    def _core_time(self) -> CoreTime:
        pairs = ((one.record, one.spec) for one in self.members if one.record is not None)
        return self.before.core_time + core_time(pairs, self.snapshot.now)

    def _core_hours(self, time: CoreTime, run_times: RunTimes) -> CoreHours:
        """The core-hours of the entry; without a run time nothing is known of those to come."""
        to_come = sum(self._seconds_to_come(run_times.median)) / HOUR if run_times.median is not None else 0.0
        is_bound = run_times.are_upper_bounds and to_come > 0
        return CoreHours(core_hours(time.used), core_hours(time.lost), to_come, is_bound)

    def _seconds_to_come(self, median: float) -> Iterator[float]:
        """The expected core-seconds of each open replica: a whole run, or the rest of one."""
        for one in self.members:
            if one.is_planned and one.action.desired is not None:
                yield median * cores_of(one.action.desired.spec)
            elif (record := one.record) is not None and record.phase.active:
                has_started = one.word == Phase.RUNNING and record.started is not None
                ran = self.snapshot.now - (record.started or 0.0) if has_started else 0.0
                yield max(median - max(ran, 0.0), 0.0) * cores_of(one.spec)

    def _slots(self, counts: Counter[str], spec: SessionSpec | None) -> int:
        """The number of replicas that run at the same time: those that do while others are queued, else the limit."""
        running = counts[Phase.RUNNING.value]
        limits = [one for one in (spec.parallelism if spec else None, self.snapshot.limit) if one is not None]
        if running and (counts[Phase.PENDING.value] or not limits):
            return running
        return min(limits, default=sum(counts[word] for word in _OPEN))


def is_planned(action: Action, snapshot: Snapshot) -> bool:
    """Whether an action will create a session, now or later, and was not carried out yet."""
    return action.kind in DUE and _is_planned(action, snapshot.record(action))


def _is_planned(action: Action, record: ReplicaRecord | None) -> bool:
    if action.kind not in DUE:
        return False
    planned = action.record
    return (record.id if record else None) == (planned.id if planned else None)


def not_started(actions: Iterable[Action], kinds: Container[ActionKind] = _NOT_STARTED) -> tuple[NotStarted, ...]:
    """The replicas that wait, are blocked or in conflict, by entry and reason, in the order of the plan.

    A replica on hold counts as blocked. `kinds` are the kinds of actions that are included.
    """
    found: dict[tuple[str, str, Reason], list[str]] = {}
    for action in actions:
        entry = action.group or action.session
        if action.kind in kinds:
            found.setdefault((entry, action.kind.value, action.reason), []).append(action.name)
        elif action.is_on_hold:
            reason = Reason(ReasonCode.ON_HOLD, entry=entry)
            found.setdefault((entry, ActionKind.BLOCKED.value, reason), []).append(action.name)
    return tuple(NotStarted(*about, count=len(names), names=tuple(names[:NAMED])) for about, names in found.items())
