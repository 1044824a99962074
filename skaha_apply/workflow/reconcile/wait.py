"""The time between the passes of a wait, and what is reported meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from skaha_apply.model.errors import TimeoutReached
from skaha_apply.model.report import PassEnded
from skaha_apply.workflow.reconcile.summaries import pass_summary

if TYPE_CHECKING:
    from skaha_apply.workflow.reconcile.request import ApplyRequest
    from skaha_apply.workflow.reconcile.results import PassResult

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


def waiting_event(request: ApplyRequest, last: PassResult) -> PassEnded:
    """The progress of the project, as it is reported between two passes."""
    summary = pass_summary(request, last)
    return PassEnded(request.project.name, summary.progress, summary.not_started, summary.grid)
