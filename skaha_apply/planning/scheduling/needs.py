"""Whether the dependencies of a combination are satisfied: all replicas are done, or all ended and a share is done."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.plan import Action, ActionKind
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.model.session import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.planning.entries import Entries, Group
    from skaha_apply.planning.options import PlanOptions


@dataclass(frozen=True, slots=True)
class Blocker:
    """Why a session is not created; `final` if waiting does not help."""

    reason: Reason
    final: bool


@dataclass(frozen=True, slots=True)
class _Tally:
    """The progress of the replicas of a group.

    `stuck` counts the replicas that cannot succeed, and `first_on_hold` is the first one on hold. `outside` states that
    an unfinished replica is out of the scope of this invocation, so the tool does not wait for it.
    """

    total: int
    done: int
    stuck: int
    first_stuck: Action | None
    first_on_hold: Action | None
    outside: bool

    @property
    def open(self) -> int:
        return self.total - self.done - self.stuck


class Needs:
    """Decides whether dependencies are satisfied. The actions of the dependencies must be decided before.

    `stopped_entries` are the entries that start no more replicas, because of failures or because of their pilot. A
    blocked replica counts as ended for a share. In these entries it does not, because a person must decide first.
    `kept` counts the done replicas of each session that have no action in `decided`.
    """

    def __init__(
        self,
        entries: Entries,
        decided: Mapping[str, Sequence[Action]],
        options: PlanOptions,
        kept: Mapping[str, int],
    ) -> None:
        self.stopped_entries: set[str] = set()
        self._entries = entries
        self._decided = decided
        self._options = options
        self._kept = kept
        self._tallies: dict[Group, _Tally] = {}

    def blocker(self, spec: SessionSpec) -> Blocker | None:
        """The blocker among the dependencies of a combination; a final blocker comes before a wait."""
        shares = {name.casefold(): share for name, share in spec.require.items()}
        waiting: list[Reason] = []
        for name, group in self._entries.needed(spec):
            if group is None:
                empty = self._entries.empty[name.casefold()]
                return Blocker(Reason(ReasonCode.NEEDS_EMPTY_LIST, entry=empty), final=True)
            if not group.specs:
                values = _values(spec, group)
                none = Reason(ReasonCode.NEEDS_NO_COMBINATION, entry=group.entry.name, values=values)
                return Blocker(none, final=True)
            share = shares.get(name.casefold())
            if share is not None and group.entry.key in self.stopped_entries:
                return Blocker(Reason(ReasonCode.NEEDS_STOPPED, entry=group.entry.name), final=True)
            found = _blocker_of(group.entry.name, self._tally(group), share)
            if found is not None and found.final:
                return found
            waiting += [found.reason] if found else []
        if not waiting:
            return None
        return Blocker(Reason(ReasonCode.NEEDS_UNFINISHED, dependencies=tuple(waiting)), final=False)

    def _tally(self, group: Group) -> _Tally:
        if group not in self._tallies:
            actions = [action for spec in group.specs for action in self._decided.get(spec.key, ())]
            kept = sum(self._kept.get(spec.key, 0) for spec in group.specs)
            stuck = [action for action in actions if action.kind.cannot_succeed]
            unfinished = [action for action in actions if not (action.kind.cannot_succeed or is_done(action))]
            self._tallies[group] = _Tally(
                total=kept + len(actions),
                done=kept + len(actions) - len(stuck) - len(unfinished),
                stuck=len(stuck),
                first_stuck=next(filter(is_stuck, actions), None),
                first_on_hold=next((action for action in actions if action.is_on_hold), None),
                outside=not all(map(self._options.in_scope, unfinished)),
            )
        return self._tallies[group]


def is_done(action: Action) -> bool:
    """Whether the work of a replica has succeeded. A late session of an unconfirmed create counts too."""
    if action.kind is ActionKind.ADOPT:
        return action.record is not None and action.record.phase is Phase.DONE
    return action.kind is ActionKind.DONE


def is_stuck(action: Action) -> bool:
    """Whether a replica can succeed only after a change or a command of a user."""
    return action.kind.cannot_succeed or action.is_on_hold


def _blocker_of(name: str, tally: _Tally, share: float | None) -> Blocker | None:
    """The blocker of one group. Without a share, every replica must succeed, and a hopeless replica blocks."""
    cannot = tally.first_stuck if share is None else tally.first_on_hold
    if cannot is not None:
        reason = Reason(ReasonCode.NEEDS_FAILED, entry=name, replica=cannot.name, kind=cannot.kind.value)
        return Blocker(reason, final=True)
    if tally.open:
        code = ReasonCode.NOT_DONE if share is None else ReasonCode.NOT_ENDED
        unfinished = Reason(code, entry=name, open=tally.open, total=tally.total)
        if tally.outside:
            return Blocker(Reason(ReasonCode.NEEDS_OUT_OF_SCOPE, dependency=unfinished), final=True)
        return Blocker(unfinished, final=False)
    if share is None:
        return None
    required = math.ceil(round(share * tally.total, 6))  # 7 % of 100 is 7.000000000000001
    if tally.done < required:
        reason = Reason(ReasonCode.NEEDS_TOO_FEW, entry=name, done=tally.done, total=tally.total, required=required)
        return Blocker(reason, final=True)
    return None


def _values(spec: SessionSpec, group: Group) -> str:
    theirs = {axis for one in group.entry.specs for axis in one.values}
    return ", ".join(f"{axis}={value}" for axis, value in sorted(spec.values.items()) if axis in theirs)
