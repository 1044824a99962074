"""Limits of active sessions: of an entry, of the project, of the account, and of interactive sessions.

Slots are assigned in the order of the manifest. A replace takes the slot of the session that it replaces. If more
sessions are active than a limit allows, a replace needs room next to all sessions that stay. Without room, its session
stays active and keeps its slot.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.planning.scheduling.occupied_slots import OccupiedSlots

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.plan import Action
    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.planning.entries import Entries
    from skaha_apply.planning.scheduling.occupied_slots import SlotOwner
    from skaha_apply.planning.situation import Situation


@dataclass
class Limit:
    """One limit, and the owners of its slots: replicas by key, sessions by ID. `taken` counts each owner once.

    `waits_indefinitely` states that no slot becomes free by itself, because each owner runs until somebody ends it.
    `replacing` counts the owners that actions of the plan replace. `replaced` counts those whose create has a slot.
    """

    limit: int
    reason: Reason
    taken: int
    keys: frozenset[ReplicaKey] = frozenset()
    ids: frozenset[str] = frozenset()
    waits_indefinitely: bool = False
    replacing: int = 0
    replaced: int = field(default=0, init=False)

    def holds(self, action: Action) -> bool:
        """Whether the session that an action replaces has a slot, which its create takes."""
        return action.key in self.keys or any(to_delete.id in self.ids for to_delete in action.sessions_to_delete)

    def has_room(self, action: Action) -> bool:
        """Whether there is a slot for an action; a replaced session counts in addition to all that stay."""
        if self.holds(action):
            return self.taken - self.replacing + self.replaced < self.limit
        return self.taken < self.limit

    def take(self, action: Action) -> None:
        """Assign a slot to an action."""
        if self.holds(action):
            self.replaced += 1
        else:
            self.taken += 1


def has_limits(situation: Situation, project: Project, entries: Entries) -> bool:
    """Whether any limit can hold a create of the project."""
    numbers = (project.max_active.project, project.max_active.account, situation.offer.max_interactive)
    parallel = (entry.parallelism for entry in entries.by_key.values())
    return any(number is not None for number in (*numbers, *parallel))


class Limits:
    """The limits of a project and their free slots."""

    def __init__(self, situation: Situation, project: Project, entries: Entries, actions: Sequence[Action]) -> None:
        self._options = situation.options
        self._occupied = OccupiedSlots(
            situation, {spec.key: spec for spec in project.sessions}, _adoptions(actions, situation)
        )
        owners: dict[str, list[SlotOwner]] = {}
        for owner in self._occupied.owners:
            owners.setdefault(owner.entry_key, []).append(owner)
        self._entries = {
            entry.key: _of_entry(entry.name, entry.parallelism, owners.get(entry.key, []))
            for entry in entries.by_key.values()
            if entry.parallelism is not None
        }
        self._headless = [*self._of_project(project), *self._of_account(project)]
        self._interactive = self._of_server(situation)
        for action in actions:
            for limit in self._of(action):
                limit.replacing += limit.holds(action)

    def full(self, action: Action) -> Limit | None:
        """The first limit without a free slot for an action; otherwise assign its slots.

        An action that is not carried out gets no slot, because another action can use the slot.
        """
        limits = self._of(action)
        found = next((limit for limit in limits if not limit.has_room(action)), None)
        if found is None:
            for limit in limits:
                limit.take(action)
        return found

    def _counts(self, action: Action) -> bool:
        """Whether an action will create a session: in scope, not failed in this invocation, and not only a delete."""
        creating = action.kind.creates and not action.create_later
        return creating and self._options.in_scope(action) and not self._options.has_failed(action)

    def _of(self, action: Action) -> list[Limit]:
        """The limits that hold for an action; none if it creates no session."""
        if action.desired is None:
            return []
        spec = action.desired.spec
        entry = self._entries.get(spec.entry_key) if self._entries else None
        general = self._interactive if spec.kind.interactive else self._headless
        limits = [entry, *general] if entry else general
        return limits if limits and self._counts(action) else []

    def _of_project(self, project: Project) -> Iterable[Limit]:
        limit = project.max_active.project
        if limit is not None:
            owners = [owner for owner in self._occupied.owners if owner.headless]
            keys = frozenset(owner.key for owner in owners if not owner.extra)
            yield Limit(limit, Reason(ReasonCode.PROJECT_FULL, limit=limit), taken=len(owners), keys=keys)

    def _of_account(self, project: Project) -> Iterable[Limit]:
        """The limit of the account: every Pending or Running headless session of the user counts."""
        limit = project.max_active.account
        if limit is not None:
            listed, unlisted = self._occupied.listed(headless=True), self._occupied.unlisted
            taken = len(listed) + len(unlisted)
            reason = Reason(ReasonCode.ACCOUNT_FULL, limit=limit, active=taken)
            yield Limit(limit, reason, taken, keys=unlisted, ids=listed)

    def _of_server(self, situation: Situation) -> list[Limit]:
        """The limit of the server on Pending and Running interactive sessions of one user [PostAction]."""
        limit = situation.offer.max_interactive
        if limit is None:
            return []
        listed = self._occupied.listed(headless=False)
        reason = Reason(ReasonCode.INTERACTIVE_FULL, limit=limit)
        return [Limit(limit, reason, taken=len(listed), ids=listed, waits_indefinitely=True)]


def _of_entry(name: str, limit: int, owners: Sequence[SlotOwner]) -> Limit:
    return Limit(
        limit,
        Reason(ReasonCode.PARALLELISM_FULL, limit=limit, entry=name),
        taken=len(owners),
        keys=frozenset(owner.key for owner in owners if not owner.extra),
        waits_indefinitely=not any(owner.ends for owner in owners),
    )


def _adoptions(actions: Sequence[Action], situation: Situation) -> list[Action]:
    """The actions in scope that adopt an active unmanaged session. These sessions count for the limits."""
    adopts = [action for action in actions if action.adopted is not None and action.adopted.phase.active]
    return [action for action in adopts if situation.options.in_scope(action)]
