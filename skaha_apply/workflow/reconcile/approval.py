"""The approval of a plan, and which actions of later plans it covers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from skaha_apply.model.errors import SafetyRefusal, StalePlan
from skaha_apply.model.plan import ActionKind
from skaha_apply.planning.safety.approval import approval_line, differences, needs_approval
from skaha_apply.render.reasons import reason_text
from skaha_apply.workflow.reconcile.results import Approval

if TYPE_CHECKING:
    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.workflow.reconcile.request import ApplyRequest

AFTER_APPROVAL = 600.0  # seconds for which requests are repeated, once a plan is approved, if the server is unavailable
FRESH = 60.0  # seconds after which an approval is followed by a new listing


async def is_approved(request: ApplyRequest, plan: Plan, lineage: str) -> bool:
    """Show the plan and ask for approval. An empty plan needs none.

    Raises:
        StalePlan: the saved plan differs from this plan, or was made for a state of another lineage.
        SafetyRefusal: a safety rule refuses the plan.
    """
    options = request.options
    if options.approved is not None:
        check_fresh(options.approved, plan)
        if options.lineage not in (None, "", lineage):
            raise StalePlan(
                "the saved plan was made for another state (the lineage differs)",
                hint="Run `skaha-apply plan --out FILE` again, and have the new plan approved.",
            )
    agreed = await request.approve(plan)
    if plan.refused is not None:
        raise SafetyRefusal(f"refused: {reason_text(plan.refused)}")
    return agreed or not plan.has_changes


def check_fresh(approved: tuple[str, ...], plan: Plan) -> None:
    """Raise `StalePlan` with the differences if the plan differs from the approved lines."""
    if found := differences(approved, plan.approved):
        shown = "\n".join(found)
        raise StalePlan(
            f"the plan is stale; since it was made, this changed:\n{shown}",
            hint="Save a new plan with `skaha-apply plan --out FILE`, and have it approved.",
        )


def is_outdated(request: ApplyRequest, plan: Plan, listed_at: float) -> bool:
    """Whether the approval took more than a minute, after which the tool lists the sessions again."""
    return plan.has_changes and request.context.client.now() - listed_at > FRESH


def grant_approval(request: ApplyRequest, plan: Plan) -> Approval:
    """The approval of this plan. `--timeout` begins now, and requests are repeated for longer during an outage."""
    timeout = request.options.timeout
    request.context.client.patience = timeout or AFTER_APPROVAL
    deadline = None if timeout is None else asyncio.get_running_loop().time() + timeout
    waiting = frozenset(action.key for action in plan.decided_now if action.kind is ActionKind.WAIT)
    return Approval(plan, frozenset(plan.approved), waiting, deadline)


def is_covered(approval: Approval, plan: Plan, action: Action) -> bool:
    """Whether an approval covers an action of a plan: of the approved plan, or of a later one.

    An action that the approved plan showed as `wait` is covered if it deletes nothing.
    """
    if approval.plan is plan or not needs_approval(action) or approval_line(action) in approval.lines:
        return True
    return not action.sessions_to_delete and action.key in approval.waiting
