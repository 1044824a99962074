"""When a wait is over, and what to say of it meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from skaha_apply.model.errors import TimeoutReached
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.report import PassEnded
from skaha_apply.model.session import Phase
from skaha_apply.planning.safety.approval import approval_line, needs_approval
from skaha_apply.workflow.progress import entry_summaries, not_started

if TYPE_CHECKING:
    from skaha_apply.model.plan import Action
    from skaha_apply.workflow.reconcile.run import Run


LEAST_REST = 0.25  # of `--poll`: what a server is granted between two passes, however long one takes


async def rest(run: Run) -> None:
    """Rest until `--poll` after the last pass began; when the granted time is over before that, the run is halted."""
    now, poll = asyncio.get_running_loop().time(), run.options.poll
    pause = max(run.began + poll - now, LEAST_REST * poll)
    left = None if run.deadline is None else run.deadline - now
    if left is None or left >= pause:
        await asyncio.sleep(pause)
        return
    await asyncio.sleep(max(0.0, left))
    run.halted = TimeoutReached(
        f"the wait was not over after {run.options.timeout:g}s",
        hint="running sessions continue; repeat the command to resume waiting",
    )


def ended(run: Run) -> bool:
    """Whether the wait that the user asked for is over.

    `ready`: every session created in this call is Running or has ended. `complete`: nothing is active and nothing can
    become due any more; what only waits for something that will not come is not waited for.
    """
    if run.options.wait == "none" or run.plan is None:
        return True
    if run.options.wait == "ready":
        return _ready(run)
    return not any(_moving(action, run) for action in run.plan.actions)


def _ready(run: Run) -> bool:
    records = run.document.replicas if run.document else ()
    waited_for = [record.phase for record in records if record.id in run.created]
    return not any(phase.active and phase is not Phase.RUNNING for phase in waited_for)


def _moving(action: Action, run: Run) -> bool:
    """Whether an action of the last plan can still lead to something.

    A renewal was carried out, or is due in another invocation: its session runs, which is all that the tool waits for.
    Once `--limit` is used up, only sessions that are active are waited for.
    """
    if action.kind is ActionKind.RENEW:
        return False
    if action.kind.changes:
        return run.left != 0 and action.trial not in run.tried and not _unapproved(action, run)
    if action.kind is ActionKind.WAIT:
        return run.left != 0 and not action.hangs
    if action.kind is not ActionKind.UNCHANGED or action.record is None or not action.record.phase.active:
        return False
    return not (_interactive(action, run) and action.record.phase is Phase.RUNNING)


def _interactive(action: Action, run: Run) -> bool:
    """Whether nobody knows when it ends; what is no longer in the manifest is told by what it was made from."""
    if action.desired is not None:
        return action.desired.spec.kind.interactive
    recorded = run.document.specs.get(action.record.spec) if run.document and action.record else None
    return recorded is not None and recorded.kind.interactive


def _unapproved(action: Action, run: Run) -> bool:
    if run.approved is None or run.approved is run.plan or not needs_approval(action):
        return False
    waited = any(one.key == action.key and one.kind is ActionKind.WAIT for one in run.approved.actions)
    return approval_line(action) not in run.approved.approved and not (waited and not action.victims)


def waiting(run: Run) -> PassEnded:
    """Where the run stands, to be told between two passes."""
    actions = run.plan.actions if run.plan else ()
    known = {record.key: record for record in run.document.replicas} if run.document else {}
    return PassEnded(run.project.name, entry_summaries(actions, known, run.world.client.now()), not_started(actions))
