"""The gates of a create, in the order in which they are checked.

They are: an unmanaged session with the name, the failure limit, the dependencies, the pilot, and a duplicate session
that is deleted first. The free slots come last, when the other gates are known for every replica.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from skaha_apply.model.plan import Action, ActionKind, SessionToDelete
from skaha_apply.model.reasons import DeleteReason, Reason, ReasonCode
from skaha_apply.planning.scheduling import failure_limits
from skaha_apply.planning.scheduling.limits import Limit, Limits, has_limits
from skaha_apply.planning.scheduling.needs import Blocker, Needs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.planning.entries import Entries, EntrySpecs
    from skaha_apply.planning.scheduling.failure_limits import AttemptEnd, Stop
    from skaha_apply.planning.situation import Situation


class DoneBefore(Protocol):
    """The done replicas that an earlier plan of the invocation decided for good, and that have no action now."""

    @property
    def by_session(self) -> Mapping[str, int]:
        """Their number, by session key."""
        ...

    def ends(self, entry: str) -> Sequence[AttemptEnd]:
        """Their last success in an entry, and the failures after it."""
        ...


def apply_gates(
    project: Project, entries: Entries, actions: Sequence[Action], situation: Situation, kept: DoneBefore
) -> list[Action]:
    """The actions of the desired replicas, in the order of the manifest, each as the gates leave it.

    Replicas that are `kept` have no action: no gate changes them, and they count for the gates of others.
    """
    if not actions:
        return []
    gate = _Gate(situation, entries, kept)
    for action in actions:
        gate.add(action)
    for entry in entries.in_order_of_need():
        gate.check(entry)
    decided = [action for members in gate.decided.values() for action in members]
    if not (any(action.kind.creates for action in decided) and has_limits(situation, project, entries)):
        return decided
    limits = Limits(situation, project, entries, decided)
    return [_apply_limits(action, limits) for action in decided]


class _Gate:
    """Checks the entries of a project in turn, each entry after its dependencies.

    `decided` has the actions of each session. The gates replace these actions.
    """

    def __init__(self, situation: Situation, entries: Entries, kept: DoneBefore) -> None:
        self.decided: dict[str, list[Action]] = {}
        self._specs: dict[str, dict[str, SessionSpec]] = {}  # those with actions, by entry and session
        self._situation = situation
        self._kept = kept
        self._needs = Needs(entries, self.decided, situation.options, kept.by_session)

    def add(self, action: Action) -> None:
        """Add the action of the next desired replica in the order of the manifest."""
        key = action.session.casefold()
        members = self.decided.get(key)
        if members is not None:
            members.append(action)
            return
        self.decided[key] = [action]
        if action.desired is not None:
            self._specs.setdefault(action.desired.spec.entry_key, {})[key] = action.desired.spec

    def check(self, entry: EntrySpecs) -> None:
        """Apply all gates except the slots to one entry. Its dependencies must be checked before."""
        specs = self._specs.get(entry.key, {})
        actions = [action for key in specs for action in self.decided[key]]
        stopped = failure_limits.reached_limit(entry, actions, self._kept.ends(entry.key))
        is_open = stopped is None and not self._has_other_sessions
        for key, spec in specs.items():
            needs = self._needs.blocker(spec) if spec.needs else None
            if is_open and needs is None:
                continue  # no gate changes an action
            self.decided[key] = [self._pass(action, stopped, needs) for action in self.decided[key]]
        pilot = self._apply_pilot(entry) if entry.pilot else None
        if stopped is not None or (pilot is not None and pilot.final):
            self._needs.stopped_entries.add(entry.key)

    @property
    def _has_other_sessions(self) -> bool:
        """Whether a listed session, or a second one of a replica, can keep a create from its turn."""
        return bool(self._situation.observation.listing.sessions or self._situation.has_second_session)

    def _pass(self, action: Action, stopped: Stop | None, needs: Blocker | None) -> Action:
        if stopped is not None and stopped.drops(action):
            return _dropped(action, stopped)
        if stopped is not None and self._retries(action):
            return _hold_create(action, stopped.blocker)
        if not action.kind.creates:
            return action
        if other := self._unmanaged_session(action):
            return replace(action, kind=ActionKind.CONFLICT, sessions_to_delete=(), reason=other)
        limit = stopped.blocker if stopped is not None and not failure_limits.has_new_attempt_count(action) else None
        if blocker := limit or needs:
            return _hold_create(action, blocker)
        return self._after_duplicate(action)

    def _after_duplicate(self, action: Action) -> Action:
        second = self._situation.has_second_session
        if not second or action.key not in second:
            return action
        waits = _hold_create(action, Blocker(Reason(ReasonCode.SECOND_SESSION_DELETED_FIRST), final=False))
        return replace(waits, waits_indefinitely=False)

    def _apply_pilot(self, entry: EntrySpecs) -> Blocker | None:
        """Hold the other replicas of an entry until its pilot has succeeded; active sessions stay."""
        specs = self._specs.get(entry.key, {})
        decided = [action for key in specs for action in self.decided[key]]
        first, blocker = failure_limits.pilot_status(entry, decided, self._situation.options)
        if blocker is None:
            return None
        for key in specs:
            mine = self.decided[key]
            led = [_wait_in_place(action, blocker) if action.kind.creates else action for action in mine[first:]]
            self.decided[key] = [*mine[:first], *led]
            first = max(0, first - len(mine))
        return blocker

    def _retries(self, action: Action) -> bool:
        if (
            action.desired is None
            or action.key in self._situation.working_state.intents
            or action.key in self._situation.deleting
        ):
            return False
        return failure_limits.has_retries_left(action, action.desired.spec)

    def _unmanaged_session(self, action: Action) -> Reason | None:
        """An active unmanaged session with the name, which would count as this replica."""
        for session in self._situation.unmanaged(action.name):
            going = {to_delete.id for to_delete in action.sessions_to_delete}
            if session.phase.active and session.id not in going:
                return Reason(ReasonCode.UNMANAGED_ACTIVE, id=session.id, status=session.status)
        return None


def _dropped(action: Action, stopped: Stop) -> Action:
    """Delete a session that is still Pending: the failure limit keeps its entry from running."""
    record = action.record
    if record is None or record.id is None:
        return action
    reason = Reason(ReasonCode.FAILURE_LIMIT_DELETE, failures=stopped.row)
    sessions_to_delete = (SessionToDelete(record.id, active=True, why=DeleteReason.LIMIT),)
    return replace(action, kind=ActionKind.DELETE, id=record.id, sessions_to_delete=sessions_to_delete, reason=reason)


def _apply_limits(action: Action, limits: Limits) -> Action:
    if not action.kind.creates or action.create_later:
        return action
    limit = limits.full(action)
    return action if limit is None else _without_slot(action, limit)


def _without_slot(action: Action, limit: Limit) -> Action:
    return replace(
        _wait_in_place(action, Blocker(limit.reason, final=False)), waits_indefinitely=limit.waits_indefinitely
    )


def _hold_create(action: Action, blocker: Blocker) -> Action:
    """Hold a create as waiting or blocked. If it waits, its outdated active session is still deleted now."""
    if not blocker.final and action.kind is ActionKind.REPLACE and action.sessions_to_delete:
        return replace(action, create_later=True, reason=action.reason.and_also(blocker.reason))
    return _wait_in_place(action, blocker)


def _wait_in_place(action: Action, blocker: Blocker) -> Action:
    """Hold a create as waiting or blocked, and keep its active session until the create is possible."""
    if blocker.final:
        return replace(
            action,
            kind=ActionKind.BLOCKED,
            sessions_to_delete=(),
            reason=blocker.reason,
            create_later=False,
            waits_indefinitely=True,
        )
    later = action.kind is ActionKind.REPLACE
    stays = later and any(to_delete.active for to_delete in action.sessions_to_delete)
    reason = blocker.reason.and_also(action.reason) if stays else blocker.reason
    return replace(
        action, kind=ActionKind.WAIT, sessions_to_delete=(), reason=reason, create_later=later, waits_indefinitely=True
    )
