"""The approval of a plan, and what it allows: one that was made for it, and still describes what would be done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from skaha_apply.model.errors import SafetyRefusal, StalePlan
from skaha_apply.model.plan import ActionKind
from skaha_apply.planning.safety.approval import approval_line, differences, needs_approval

if TYPE_CHECKING:
    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.planning.situation import Situation
    from skaha_apply.workflow.reconcile.run import Run

AFTER_APPROVAL = 600.0  # seconds that a server which stays away is waited for once something was approved
FRESH = 60.0  # seconds after which an answer is followed by a new look


async def is_approved(run: Run, plan: Plan) -> bool:
    """Whether the plan may be carried out; shows it, asks, and raises what forbids it."""
    if run.options.approved is not None:
        check_fresh(run.options.approved, plan)
        if run.options.lineage not in (None, "", run.lineage):
            raise StalePlan("the state was started anew since the plan was made (another lineage)", hint="Plan again.")
    yes = await run.approve(plan)
    if plan.refused is not None:
        raise SafetyRefusal(f"refused: {plan.refused}")
    return yes or not plan.has_changes


def check_fresh(approved: tuple[str, ...], plan: Plan) -> None:
    """Raise `StalePlan`, with what differs, when a plan is another than what was approved."""
    if found := differences(approved, plan.approved):
        shown = "\n".join(found)
        raise StalePlan(
            f"the plan is stale; since it was made, this changed:\n{shown}",
            hint="Plan again, and have the new plan approved.",
        )


def is_outdated(run: Run, plan: Plan, situation: Situation) -> bool:
    """Whether the answer took so long that the look is no longer fresh."""
    return plan.has_changes and run.world.client.now() - situation.observation.listing.at > FRESH


def grant_time(run: Run) -> None:
    """From the approval on, a server that stays away is waited for."""
    run.world.client.patience = run.options.timeout or AFTER_APPROVAL
    if run.options.timeout is not None:
        run.deadline = asyncio.get_running_loop().time() + run.options.timeout


def allowed_actions(run: Run, plan: Plan) -> list[Action]:
    """The actions of a pass: what was approved, and has not failed in this call. What was not approved is noted."""
    approved = run.approved
    actions = [one for one in plan.actions if one.kind.changes and one.trial not in run.tried]
    if approved is None or approved is plan:
        return _limit(actions, run)
    lines = set(approved.approved)
    shown = {action.key: action.kind for action in approved.actions}
    allowed = []
    for action in actions:
        later = not action.victims and shown.get(action.key) is ActionKind.WAIT
        if needs_approval(action) and approval_line(action) not in lines and not later:
            run.notes[f"not approved, so left alone: {action.kind} {action.name} ({action.reason})"] = None
        else:
            allowed.append(action)
    return _limit(allowed, run)


def _limit(actions: list[Action], run: Run) -> list[Action]:
    """The first of the actions, as many as `--limit` still allows this invocation."""
    kept = actions[: run.left]
    run.cut = len(actions) - len(kept)
    return kept
