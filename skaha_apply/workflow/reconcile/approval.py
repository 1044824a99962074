"""Asks for the approval of a plan, refuses one that differs from it, and starts `--timeout` once it is given."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from skaha_apply.model.errors import SafetyRefusal, StalePlan
from skaha_apply.model.plan import ActionKind
from skaha_apply.planning.safety.allowed_actions import Approval
from skaha_apply.render.reasons import reason_text

if TYPE_CHECKING:
    from skaha_apply.model.plan import Plan
    from skaha_apply.workflow.reconcile.request import ApplyRequest

AFTER_APPROVAL = 600.0  # seconds for which requests are repeated, once a plan is approved, if the server is unavailable


async def ask_for_approval(request: ApplyRequest, plan: Plan, lineage: str) -> Approval | None:
    """Show the plan and ask for approval; None if the user declines. An empty plan needs none.

    Raises:
        StalePlan: the saved plan differs from this plan, or was made for a state of another lineage.
        SafetyRefusal: a safety rule refuses the plan.
    """
    options = request.options
    check_fresh(plan)
    if options.approved is not None and options.lineage not in (None, "", lineage):
        raise StalePlan(
            "the saved plan was made for another state (the lineage differs)",
            hint="Run `skaha-apply plan --out FILE` again, and have the new plan approved.",
        )
    _check_reviewed(plan, options.digests)
    agreed = await request.approve(plan)
    if plan.refused is not None:
        raise SafetyRefusal(f"refused: {reason_text(plan.refused)}")
    return Approval(plan, deletes=options.deletes) if agreed or not plan.has_changes else None


def check_fresh(plan: Plan) -> None:
    """Raise `StalePlan` if the plan differs from the approved plan that was given in its options."""
    if plan.stale:
        shown = "\n".join(plan.stale)
        raise StalePlan(
            f"the plan is stale; since it was made, this changed:\n{shown}",
            hint="Save a new plan with `skaha-apply plan --out FILE`, and have it approved.",
        )


def _check_reviewed(plan: Plan, digests: frozenset[str]) -> None:
    """Raise `StalePlan` if digests of reviewed plans are given, and this plan has another and something to do."""
    is_over = not any(action.kind.changes or action.kind is ActionKind.WAIT for action in plan.decided_now)
    if digests and plan.digest not in digests and not is_over:
        raise StalePlan(
            f"the plan is not the reviewed one: its digest is {plan.digest}, not {' or '.join(sorted(digests))}",
            hint="Review the plan as it is now (`skaha-apply plan`), then apply it with its digest.",
        )


def start_timeout(request: ApplyRequest) -> float | None:
    """Start `--timeout`, and repeat requests for longer during an outage.

    Returns the time of the event loop at which the wait ends, None without `--timeout`.
    """
    timeout = request.options.timeout
    request.context.client.patience = timeout or AFTER_APPROVAL
    return None if timeout is None else asyncio.get_running_loop().time() + timeout
