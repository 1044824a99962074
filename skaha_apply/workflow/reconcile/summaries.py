"""Hands what was asked, done and reached to the planner, which summarizes a pass and decides whether a wait is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.planning.summary.entry_summaries import Snapshot
from skaha_apply.planning.summary.invocation_end import Achievement, InvocationEnd
from skaha_apply.planning.summary.pass_summary import PassSummary

if TYPE_CHECKING:
    from skaha_apply.workflow.reconcile.request import ApplyRequest
    from skaha_apply.workflow.reconcile.results import PassResult, Progress


def pass_summary(request: ApplyRequest, last: PassResult) -> PassSummary:
    """The summary of the last pass at the present time."""
    project, specs = request.project, last.document.specs if last.document else {}
    snapshot = Snapshot(last.records, request.context.client.now(), specs, project.max_active.project)
    return PassSummary(last.plan, snapshot, last.document, last.listing, project.sessions)


def invocation_end(request: ApplyRequest, progress: Progress, last: PassResult) -> InvocationEnd:
    """What the last pass means for the invocation: whether its wait is over, and its exit codes."""
    done = Achievement(
        created=progress.created,
        closed=progress.tried | last.not_approved,
        has_actions_left=progress.actions_left(request.options.limit) != 0,
        failures=tuple(progress.failures.values()),
        known_failures=last.known_failures,
        began=progress.began,
    )
    summary, cores = pass_summary(request, last), last.offer.default_cores
    return InvocationEnd(summary, request.options.wait, done, last.stopped, last.declined, cores)
