"""What may stand in the way of a create: a stranger of that name, something needed, the server's own limit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.model.plan import Action, ActionKind
from skaha_apply.model.session import Kind, Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.spec import Project, SessionSpec
    from skaha_apply.planning.rows import Sight

_CREATING = frozenset({ActionKind.CREATE, ActionKind.REPLACE, ActionKind.RETRY})
_HOPELESS = frozenset(
    {ActionKind.FAILED, ActionKind.UNKNOWN, ActionKind.CONFLICT, ActionKind.BLOCKED, ActionKind.PROTECTED},
)


class Gate:
    """Judges the specs of a project one after the other, each after what it needs; `judged` holds the results."""

    def __init__(self, sight: Sight, project: Project) -> None:
        self.judged: dict[str, list[Action]] = {}
        self._sight = sight
        self._names = {spec.key: spec.name for spec in project.sessions}
        listing = sight.facts.seen.listing
        self._interactive = sum(
            session.kind.lower() != Kind.HEADLESS and session.phase in (Phase.PENDING, Phase.RUNNING)
            for session in listing.sessions
        )

    def judge(self, spec: SessionSpec, actions: Sequence[Action]) -> None:
        """Pass the actions of one spec through the gates; what it needs was judged before."""
        needs = self._needs(spec)
        self.judged[spec.key] = [self._pass(action, needs) for action in actions]

    def _pass(self, action: Action, needs: tuple[ActionKind, str] | None) -> Action:
        if action.kind not in _CREATING:
            return action
        if other := self._stranger(action):
            return replace(action, kind=ActionKind.CONFLICT, victims=(), reason=other)
        if needs:
            return _behind(action, *needs)
        if action.key in self._sight.doubled:
            waits = _behind(action, ActionKind.WAIT, "another session of it is deleted first")
            return replace(waits, hangs=False)
        return self._limited(action)

    def _stranger(self, action: Action) -> str | None:
        """A stranger's active session of that name, which would be taken for this replica."""
        going = {victim.id for victim in action.victims}
        for session in self._sight.strangers(action.name):
            if session.phase.active and session.id not in going:
                whose = f"{session.id} of that name is active and not owned by this state ({session.status})"
                return f"{whose}; delete it, or `state forget` this replica, then --adopt or --take-over"
        return None

    def _needs(self, spec: SessionSpec) -> tuple[ActionKind, str] | None:
        """What stands in the way among the needed sessions: a block is final, a wait is not."""
        waiting: list[str] = []
        for name in spec.needs:
            actions = self.judged[name.casefold()]
            shown = self._names[name.casefold()]
            hopeless = next((action for action in actions if action.kind in _HOPELESS), None)
            if hopeless:
                return ActionKind.BLOCKED, f"needs {shown}: {hopeless.name} is {_word(hopeless)}"
            open_ones = sum(not _is_done(action) for action in actions)
            if open_ones:
                waiting.append(f"{shown} ({open_ones} of {len(actions)} not done)")
        return (ActionKind.WAIT, f"needs {', '.join(waiting)}") if waiting else None

    def _limited(self, action: Action) -> Action:
        """The server refuses more than so many Pending or Running interactive sessions of a user [PostAction]."""
        limit = self._sight.facts.offer.max_interactive
        if action.desired is None or not action.desired.spec.kind.interactive or limit is None or action.victims:
            return action
        if self._interactive >= limit:
            reason = f"the server's limit of {limit} interactive sessions is reached"
            return replace(action, kind=ActionKind.WAIT, reason=reason, hangs=True)
        self._interactive += 1
        return action


def _behind(action: Action, kind: ActionKind, reason: str) -> Action:
    """A create that has to wait, or is blocked; what is active and out of date is deleted all the same."""
    replaces = kind is ActionKind.WAIT and action.kind is ActionKind.REPLACE
    if replaces and action.victims:
        return replace(action, held_back=True, reason=f"{action.reason}; {reason}")
    return replace(action, kind=kind, victims=(), reason=reason, held_back=replaces, hangs=True)


def _is_done(action: Action) -> bool:
    if action.kind is ActionKind.ADOPT:  # what our own create made may have ended already
        return action.record is not None and action.record.phase is Phase.DONE
    return action.kind is ActionKind.DONE


def _word(action: Action) -> str:
    return {ActionKind.CONFLICT: "in conflict"}.get(action.kind, action.kind.value)
