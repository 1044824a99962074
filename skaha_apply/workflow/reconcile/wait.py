"""When a wait is over, the time between its passes, and what is reported meanwhile."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from skaha_apply.model.errors import TimeoutReached
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.report import PassEnded
from skaha_apply.model.session import Phase
from skaha_apply.planning.summary.entry_summaries import Snapshot, not_started
from skaha_apply.planning.summary.grid import plan_grid
from skaha_apply.planning.summary.project_summary import plan_summary

if TYPE_CHECKING:
    from skaha_apply.model.plan import Action
    from skaha_apply.workflow.reconcile.request import ApplyRequest
    from skaha_apply.workflow.reconcile.results import PassResult, Progress


LEAST_REST = 0.25  # of `--poll`: the shortest time between two passes, also if a pass takes long


async def sleep_until_next_pass(request: ApplyRequest, last: PassResult) -> TimeoutReached | None:
    """Sleep until `--poll` after the last pass began; returns the timeout if `--timeout` ends before that."""
    now, poll = asyncio.get_running_loop().time(), request.options.poll
    rest = max(last.began + poll - now, LEAST_REST * poll)
    deadline = last.deadline
    if deadline is None or deadline - now >= rest:
        await asyncio.sleep(rest)
        return None
    await asyncio.sleep(max(0.0, deadline - now))
    return TimeoutReached(
        f"--timeout reached: work was left after {request.options.timeout:g}s",
        hint="running sessions continue; repeat the command to resume waiting",
    )


def is_over(request: ApplyRequest, progress: Progress, last: PassResult) -> bool:
    """Whether the wait that the user asked for is over.

    `ready`: every session that this invocation created is Running or has ended. `complete`: nothing is active, and
    nothing can become due. Replicas that wait indefinitely are not waited for.
    """
    if request.options.wait == "none" or last.plan is None:
        return True
    if request.options.wait == "ready":
        return _is_ready(progress, last)
    return not any(_can_change(action, request, progress, last) for action in last.plan.decided_now)


def _is_ready(progress: Progress, last: PassResult) -> bool:
    records = last.document.replicas if last.document else ()
    waited_for = [record.phase for record in records if record.id in progress.created]
    return not any(phase.active and phase is not Phase.RUNNING for phase in waited_for)


def _can_change(action: Action, request: ApplyRequest, progress: Progress, last: PassResult) -> bool:
    """Whether an action of the last plan can still lead to a change.

    A renewal was carried out, or is due in another invocation. Its session runs, so there is nothing to wait for. Once
    `--limit` is used up, the wait is for active sessions only.
    """
    has_actions_left = progress.actions_left(request.options.limit) != 0
    if action.kind is ActionKind.RENEW:
        return False
    if action.kind.changes:
        return has_actions_left and action.attempt_key not in progress.tried and _is_approved(action, last)
    if action.kind is ActionKind.WAIT:
        return has_actions_left and not action.waits_indefinitely
    if action.kind is not ActionKind.UNCHANGED or action.record is None or not action.record.phase.active:
        return False
    return not (_is_interactive(action, last) and action.record.phase is Phase.RUNNING)


def _is_approved(action: Action, last: PassResult) -> bool:
    return last.approval is None or last.plan is None or last.approval.covers(last.plan, action)


def _is_interactive(action: Action, last: PassResult) -> bool:
    """Whether the session is interactive; the recorded spec decides for a replica that left the manifest."""
    if action.desired is not None:
        return action.desired.spec.kind.interactive
    recorded = last.document.specs.get(action.record.spec) if last.document and action.record else None
    return recorded is not None and recorded.kind.interactive


def waiting_event(request: ApplyRequest, last: PassResult) -> PassEnded:
    """The progress of the project, as it is reported between two passes."""
    if last.plan is None:
        return PassEnded(request.project.name)
    project, specs = request.project, last.document.specs if last.document else {}
    snapshot = Snapshot(last.records, request.context.client.now(), specs, project.max_active.project)
    grid = partial(plan_grid, last.plan, snapshot, project.sessions)
    return PassEnded(project.name, plan_summary(last.plan, snapshot), not_started(last.plan.decided_now), grid)
