"""The approval of a plan, and the actions of this plan and of later ones that it allows."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.plan import ActionKind
from skaha_apply.planning.safety.approval import approval_line, needs_approval

if TYPE_CHECKING:
    from collections.abc import Container

    from skaha_apply.model.plan import Action, AttemptKey, Plan
    from skaha_apply.model.spec import ReplicaKey


@dataclass(frozen=True)
class Approval:
    """The consent to a plan. Without `deletes` it covers no action that needs an approval."""

    plan: Plan
    deletes: bool = True

    def covers(self, plan: Plan, action: Action) -> bool:
        """Whether the approval covers an action of a plan: of the approved plan, or of a later one.

        An action that the approved plan showed as `wait` is covered if it deletes nothing.
        """
        if (self.deletes and self.plan is plan) or not needs_approval(action):
            return True
        if not self.deletes:
            return False
        if approval_line(action) in self._lines:
            return True
        return not action.sessions_to_delete and action.key in self._waiting

    @cached_property
    def _lines(self) -> frozenset[str]:
        return frozenset(self.plan.approved)

    @cached_property
    def _waiting(self) -> frozenset[ReplicaKey]:
        return frozenset(action.key for action in self.plan.decided_now if action.kind is ActionKind.WAIT)


@dataclass(frozen=True)
class AllowedActions:
    """What a pass carries out of a plan.

    `not_approved` are the actions that no approval covers. `left_out` counts the actions that `--limit` excludes.
    """

    actions: tuple[Action, ...]
    not_approved: tuple[Action, ...] = ()
    left_out: int = 0


def allowed_actions(
    plan: Plan, approval: Approval, tried: Container[AttemptKey], most: int | None = None
) -> AllowedActions:
    """The approved actions that have not failed in this invocation (`tried`); `most` is what `--limit` leaves."""
    untried = [action for action in plan.decided_now if action.kind.changes and action.attempt_key not in tried]
    not_approved = tuple(action for action in untried if not approval.covers(plan, action))
    excluded = frozenset(map(id, not_approved))
    allowed = tuple(action for action in untried if id(action) not in excluded)
    kept = allowed[:most]
    return AllowedActions(kept, not_approved, left_out=len(allowed) - len(kept))
