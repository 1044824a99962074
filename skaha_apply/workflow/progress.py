"""The progress of a project in numbers, by entry of the manifest, and the reasons why other replicas wait."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.plan import ActionKind, DecidedEntry
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.model.report import NotStarted
from skaha_apply.model.session import Phase
from skaha_apply.model.status import EntrySummary
from skaha_apply.planning.tracking.pace import began, last_ends, stragglers, time_left

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.spec import ReplicaKey, SessionSpec
    from skaha_apply.model.state import ReplicaRecord

NAMED = 5  # names that a hold gives
_OTHERS = ActionKind.CREATE.order  # the order of all actions but deletes and replaces
# The words of replicas that are active or will become active.
_OPEN = (
    *(phase.value for phase in Phase if phase.active),
    *(kind.value for kind in (ActionKind.CREATE, ActionKind.RETRY, ActionKind.REPLACE, ActionKind.WAIT)),
    Phase.DUE.value,
    Phase.GONE.value,
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


def entry_summaries(
    actions: Iterable[Action],
    records: Mapping[ReplicaKey, ReplicaRecord],
    now: float,
    decided_before: Iterable[DecidedEntry] = (),
    limit: int | None = None,
) -> tuple[EntrySummary, ...]:
    """The progress of the entries of a plan, in the order of the plan.

    Args:
        actions: those of undesired replicas are left out, unless their session runs to its end.
        records: the records of the replicas, by key.
        now: Unix seconds by the server's clock.
        decided_before: the replicas of the plan that are not in `actions`, by entry; see `Plan.decided_before`.
        limit: the number of sessions of the project that can be active at the same time; None for no limit.
    """
    before = {entry.name.casefold(): entry for entry in decided_before}
    entries: dict[str, list[Action]] = {}
    others: dict[str, list[Action]] = {label: [] for label in before}
    for action in actions:
        if action.desired is not None or _finishes(action):
            label = (action.group or action.session).casefold()
            group = entries if label in entries or action.kind.order < _OTHERS else others
            group.setdefault(label, []).append(action)
    for label, members in others.items():
        entries.setdefault(label, []).extend(members)
    found = ((before.get(label) or DecidedEntry(""), members) for label, members in entries.items())
    return tuple(
        _Entry(entry, members, records, now).summary(limit) for entry, members in found if members or entry.done
    )


def plan_summaries(
    plan: Plan, records: Mapping[ReplicaKey, ReplicaRecord], now: float, limit: int | None = None
) -> tuple[EntrySummary, ...]:
    """The result of `entry_summaries` for a plan, whose decided replicas only count; `records` has the others."""
    if plan.decided_before is None:
        return entry_summaries(plan.actions, records, now, limit=limit)
    return entry_summaries(plan.decided_now, records, now, plan.decided_before, limit)


def _finishes(action: Action) -> bool:
    """Whether the replica left the manifest and its session runs to its end."""
    return action.kind is ActionKind.UNCHANGED and action.record is not None and action.record.phase.active


@dataclass
class _Entry:
    """The replicas of one entry: those of earlier plans, and the others by action and record."""

    before: DecidedEntry
    members: Sequence[Action]
    records: Mapping[ReplicaKey, ReplicaRecord]
    now: float

    def summary(self, limit: int | None) -> EntrySummary:
        """The progress of the entry; `limit` is that of the project."""
        before, known = self.before, [one for one in map(self._record, self.members) if one is not None]
        words = [progress_word(action, self._record(action)) for action in self.members]
        counts = Counter({ActionKind.DONE.value: before.done} if before.done else {}) + Counter(words)
        running = list(self._running(words))
        longest, name = max(running, default=(None, ""), key=lambda one: one[0] or 0.0)
        median = _median(before.durations, list(_durations(known)))
        ran = [seconds for seconds, _ in running]
        queued = sum(counts[word] for word in _OPEN) - len(ran)
        spec = next((action.desired.spec for action in self.members if action.desired is not None), None)
        return EntrySummary(
            name=self.members[0].group or self.members[0].session if self.members else before.name,
            counts=dict(counts),
            failed=tuple(action.name for action, word in zip(self.members, words, strict=True) if word == Phase.FAILED),
            longest=longest,
            longest_name=name,
            median=median,
            stragglers=stragglers(running, median),
            began=began(known, before.began),
            ends=last_ends(known, before.ends),
            left=time_left(median, ran, queued, self._slots(counts, limit, spec)),
            open=len(ran) + queued,
            needs=tuple(need.casefold() for need in spec.needs) if spec and (ran or queued) else (),
            batch=spec is None or not spec.kind.interactive,
        )

    def _record(self, action: Action) -> ReplicaRecord | None:
        return self.records.get(action.key)

    def _running(self, words: Iterable[str]) -> Iterator[tuple[float, str]]:
        """The run times and names of the running replicas."""
        for action, word in zip(self.members, words, strict=True):
            record = self._record(action)
            if word == Phase.RUNNING and record is not None and record.started is not None:
                yield max(0.0, self.now - record.started), record.name

    @staticmethod
    def _slots(counts: Counter[str], limit: int | None, spec: SessionSpec | None) -> int:
        """The number of replicas that run at the same time: those that do while others are queued, else the limit."""
        running = counts[Phase.RUNNING.value]
        limits = [one for one in (spec.parallelism if spec else None, limit) if one is not None]
        if running and (counts[Phase.PENDING.value] or not limits):
            return running
        return min(limits, default=sum(counts[word] for word in _OPEN))


def _durations(records: Iterable[ReplicaRecord]) -> Iterator[float]:
    """The run times of done replicas, in seconds."""
    for record in records:
        if record.phase is Phase.DONE and record.started is not None and record.ended is not None:
            yield max(0.0, record.ended - record.started)


def _median(known: Sequence[float], more: Sequence[float]) -> float | None:
    """The median of sorted and further numbers; None without any."""
    ordered = sorted([*known, *more]) if more else known
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


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
