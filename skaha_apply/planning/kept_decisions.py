"""Done replicas whose decision stands, so that a later plan of one invocation decides the other replicas only.

A wait makes a plan in each pass. Most replicas of a long list are done, and nothing about them changes. The result is
the same as if each replica was decided again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.model.plan import ActionKind, DecidedEntry
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.model.session import Phase
from skaha_apply.planning.decisions.ordered_actions import in_scope_or_none
from skaha_apply.planning.scheduling.failure_limits import ends_of
from skaha_apply.planning.summary.core_hours import core_time, run_time_bounds
from skaha_apply.planning.summary.pace import began, last_ends

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.plan import Action
    from skaha_apply.model.spec import DesiredReplica, ReplicaKey
    from skaha_apply.planning.archive import Archived
    from skaha_apply.planning.entries import Entries
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.planning.records import Records
    from skaha_apply.planning.scheduling.failure_limits import AttemptEnd
    from skaha_apply.planning.situation import Situation

_COMPLETED, _RUNNING = Reason(ReasonCode.COMPLETED), Reason(ReasonCode.RUNNING)


class KeptDecisions:
    """The decisions of earlier plans about replicas that are done, with the recorded digests and without a change.

    Their recorded specs are the desired ones too, so nothing about them is left to store.

    Such a replica is decided again if its record is another object, or if its create, its delete or its late session
    is open. The decisions about pilot replicas are never kept, because the other replicas of the entry wait for them.

    The decision about a running replica without a time limit is repeated under the same conditions. It is part of each
    plan, because its replica is not done.
    """

    def __init__(
        self,
        desired: tuple[DesiredReplica, ...] = (),
        entries: Entries | None = None,
        archived: Archived | None = None,
    ) -> None:
        self.actions: list[Action | None] = [None] * len(desired)  # by position; None if it is decided again
        # the number of replicas whose decision is kept, by session key; those in `archived` have no position
        self.by_session: Counter[str] = Counter() if archived is None else Counter(archived.by_session)
        self._desired = desired
        self._positions = {replica.key: position for position, replica in enumerate(desired)}
        self._pilots = _pilots(entries) if entries is not None else frozenset()
        self._records: Records | None = None  # those of the last plan, at a revision
        self._revision = 0
        self._ends = {} if archived is None else {entry: list(ends) for entry, ends in archived.ends.items()}
        self._running: dict[int, Action] = {}  # decisions that are repeated, by position
        self._open = set(range(len(desired)))  # the positions of replicas without a kept decision
        self._entries = {_label(replica): DecidedEntry(_name(replica)) for replica in reversed(desired)}
        self._labels = tuple(dict.fromkeys(map(_label, desired)))

    @property
    def desired(self) -> tuple[DesiredReplica, ...]:
        """The replicas that the positions are about."""
        return self._desired

    @property
    def by_entry(self) -> tuple[DecidedEntry, ...]:
        """The replicas whose decision is kept, by entry in the order of the manifest."""
        return tuple(map(self._entries.__getitem__, self._labels))

    def count(self, options: PlanOptions) -> int:
        """The number of kept decisions in scope."""
        if options.limited:
            return sum(action is not None for action in in_scope_or_none(self.actions, options))
        return len(self.actions) - len(self._open)

    def repeated(self, position: int) -> Action | None:
        """The decision about a running replica that still stands after `decided_now`."""
        return self._running.get(position)

    def ends(self, entry: str) -> Sequence[AttemptEnd]:
        """The last success of the replicas of an entry that are not decided again, and the failures after it."""
        return self._ends.get(entry, ())

    def decided_now(self, situation: Situation) -> list[int]:
        """The positions of the replicas that must be decided, in the order of the manifest."""
        positions = map(self._positions.get, self._touched(situation))
        touched = [position for position in positions if position is not None]
        for position in touched:
            self._running.pop(position, None)
        self._release([position for position in touched if self.actions[position] is not None])
        self._records = situation.working_state.records
        self._revision = self._records.revision
        return sorted(self._open)

    def keep(self, positions: Iterable[int], actions: Iterable[Action], situation: Situation) -> None:
        """Add the decided replicas that need no further decision."""
        changed: set[str] = set()
        added: dict[str, list[Action]] = {}
        every = None
        for position, action in zip(positions, actions, strict=True):
            if _stands(action):
                self._running[position] = action
            elif _is_kept(action) and self._can_keep(desired := self._desired[position], action, situation):
                every = every or list(self.actions)  # earlier plans still read the old list
                every[position] = action
                self._open.discard(position)
                self.by_session[desired.spec.key] += 1
                self._ends.setdefault(desired.spec.entry_key, []).extend(ends_of(action))
                changed.add(desired.spec.entry_key)
                added.setdefault(_label(desired), []).append(action)
        self.actions = every or self.actions
        for entry in changed:
            self._ends[entry] = _tail(self._ends[entry])
        for label, members in added.items():
            self._entries[label] = _with_done(self._entries[label], members)

    def _can_keep(self, desired: DesiredReplica, action: Action, situation: Situation) -> bool:
        return desired.key not in self._pilots and _has_desired_spec(action, desired, situation)

    def _touched(self, situation: Situation) -> Iterable[ReplicaKey]:
        """The replicas about which something is new or open."""
        records = situation.working_state.records
        if records is self._records:
            new = records.changed_since(self._revision)
        else:
            kept = (action for action in (*self.actions, *self._running.values()) if action is not None)
            new = (action.key for action in kept if records.get(action.key) is not action.record)
        return {*new, *situation.working_state.intents, *situation.deleting, *situation.adopted}

    def _release(self, positions: Sequence[int]) -> None:
        """Let replicas be decided again."""
        entries, labels = set(), set()
        if positions:
            self.actions = list(self.actions)  # earlier plans still read the old list
        for position in positions:
            desired = self._desired[position]
            self.actions[position] = None
            self._open.add(position)
            self.by_session[desired.spec.key] -= 1
            entries.add(desired.spec.entry_key)
            labels.add(_label(desired))
        found: dict[str, list[AttemptEnd]] = {entry: [] for entry in entries}
        for desired, action in zip(self._desired, self.actions, strict=True) if entries else ():
            if action is not None and desired.spec.entry_key in entries:
                found[desired.spec.entry_key] += ends_of(action)
        self._ends.update({entry: _tail(ends) for entry, ends in found.items()})
        for label in labels:
            pairs = zip(self._desired, self.actions, strict=True)
            left = [action for desired, action in pairs if action is not None and _label(desired) == label]
            self._entries[label] = _with_done(DecidedEntry(self._entries[label].name), left)


def _pilots(entries: Entries) -> frozenset[ReplicaKey]:
    """The pilot replicas of all entries."""
    found: list[ReplicaKey] = []
    for entry in entries.by_key.values():
        left = entry.pilot
        for spec in entry.specs:
            if not left:
                break
            found += [(spec.key, replica) for replica in range(1, min(left, spec.replicas) + 1)]
            left -= min(left, spec.replicas)
    return frozenset(found)


def _is_kept(action: Action) -> bool:
    record = action.record
    done = action.kind is ActionKind.DONE and action.reason == _COMPLETED and not action.changes
    return done and record is not None and record.phase is Phase.DONE


def _stands(action: Action) -> bool:
    """Whether the decision lets a session run, and time alone cannot change it."""
    desired = action.desired
    if action.kind is not ActionKind.UNCHANGED or action.reason != _RUNNING or action.changes or desired is None:
        return False
    return desired.spec.timeout is None and not desired.spec.kind.interactive


def _has_desired_spec(action: Action, desired: DesiredReplica, situation: Situation) -> bool:
    """Whether the recorded spec is the desired one, also in the fields that decide no digest."""
    record = action.record
    return record is not None and situation.is_recorded(record.spec, desired.spec)


def _name(desired: DesiredReplica) -> str:
    """The entry of a replica as written."""
    return desired.spec.group or desired.spec.name


def _label(desired: DesiredReplica) -> str:
    return _name(desired).casefold()


def _with_done(before: DecidedEntry, members: Sequence[Action]) -> DecidedEntry:
    """The entry with more done replicas, whose recorded specs are the desired ones."""
    pairs = [(one.record, one.desired.spec) for one in members if one.record is not None and one.desired is not None]
    records = [record for record, _ in pairs]
    return replace(
        before,
        done=before.done + len(members),
        run_times=before.run_times.with_more(run_time_bounds(records)),
        began=began(records, before.began),
        ends=last_ends(records, before.ends),
        core_time=before.core_time + core_time(pairs),
    )


def _tail(ends: list[AttemptEnd]) -> list[AttemptEnd]:
    """The ends from the last success on, in order; all of them if none succeeded."""
    ends.sort()
    last = next((index for index in range(len(ends) - 1, -1, -1) if ends[index][1]), 0)
    return ends[last:]
