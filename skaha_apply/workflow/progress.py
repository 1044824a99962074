"""The progress of a project in numbers, by entry of the manifest, and the reasons why other replicas wait."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.model.plan import ActionKind, DecidedEntry
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.model.report import EntrySummary, NotStarted
from skaha_apply.model.session import Phase

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import ReplicaRecord

NAMED = 5  # names that a hold gives
_OTHERS = ActionKind.CREATE.order  # the order of all actions but deletes and replaces
_NOT_STARTED = frozenset(kind for kind in ActionKind if kind.keeps_from_starting)


def progress_word(action: Action, record: ReplicaRecord | None) -> str:
    """The progress of a replica in a word: what keeps it from starting, else the phase of its session.

    A replica that is due again counts as planned, not as ended.
    """
    if action.kind in _NOT_STARTED or action.kind is ActionKind.DONE or record is None:
        return action.kind.value
    same = action.record is not None and action.record.id == record.id
    is_due_again = action.kind in (ActionKind.CREATE, ActionKind.RETRY) and record.phase.ended and same
    return action.kind.value if is_due_again else record.phase.value


def entry_summaries(
    actions: Iterable[Action],
    records: Mapping[ReplicaKey, ReplicaRecord],
    now: float,
    decided_before: Iterable[DecidedEntry] = (),
) -> tuple[EntrySummary, ...]:
    """The progress of the entries of a plan, in the order of the plan.

    Args:
        actions: those of undesired replicas are left out, unless their session runs to its end.
        records: the records of the replicas, by key.
        now: Unix seconds by the server's clock.
        decided_before: the replicas of the plan that are not in `actions`, by entry; see `Plan.decided_before`.
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
    return tuple(_summarize(entry, members, records, now) for entry, members in found if members or entry.done)


def plan_summaries(plan: Plan, records: Mapping[ReplicaKey, ReplicaRecord], now: float) -> tuple[EntrySummary, ...]:
    """The result of `entry_summaries` for a plan, whose decided replicas only count; `records` has the others."""
    if plan.decided_before is None:
        return entry_summaries(plan.actions, records, now)
    return entry_summaries(plan.decided_now, records, now, plan.decided_before)


def _finishes(action: Action) -> bool:
    """Whether the replica left the manifest and its session runs to its end."""
    return action.kind is ActionKind.UNCHANGED and action.record is not None and action.record.phase.active


def _summarize(
    entry: DecidedEntry, members: Sequence[Action], records: Mapping[ReplicaKey, ReplicaRecord], now: float
) -> EntrySummary:
    counts: Counter[str] = Counter({ActionKind.DONE.value: entry.done} if entry.done else {})
    failed: list[str] = []
    running: list[tuple[float, str]] = []
    durations: list[float] = []
    for action in members:
        record = records.get(action.key)
        word = progress_word(action, record)
        counts[word] += 1
        if word == Phase.FAILED:
            failed.append(action.name)
        if record is None or record.started is None:
            continue
        if word == Phase.RUNNING:
            running.append((max(0.0, now - record.started), record.name))
        elif record.phase is Phase.DONE and record.ended is not None:
            durations.append(max(0.0, record.ended - record.started))
    longest, name = max(running, default=(None, ""), key=lambda one: one[0] or 0.0)
    return EntrySummary(
        name=members[0].group or members[0].session if members else entry.name,
        counts=dict(counts),
        failed=tuple(failed),
        longest=longest,
        longest_name=name,
        median=_median(entry.durations, durations),
    )


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
