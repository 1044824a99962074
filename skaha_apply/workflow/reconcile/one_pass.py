"""One pass of `apply` under the lock: observe, plan, get the approval (in the first pass), act, confirm."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.apply.steps import ApprovedWork, carry_out, observe, reason_to_stop
from skaha_apply.model.errors import SafetyRefusal, Unauthorized, Unreachable
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.request import Offer
from skaha_apply.planning.planner import plan as make_plan
from skaha_apply.planning.safety.allowed_actions import allowed_actions
from skaha_apply.planning.safety.rules import MASS_DELETION_HINT, mass_deletion_during_wait
from skaha_apply.planning.tracking.spec_updates import update_specs
from skaha_apply.render.reasons import reason_text
from skaha_apply.workflow.plan import ask_offer, make_situation
from skaha_apply.workflow.reconcile.approval import ask_for_approval, check_fresh, start_timeout
from skaha_apply.workflow.reconcile.report import reporting_early_end

if TYPE_CHECKING:
    from skaha_apply.apply.context import ExecutionContext, Outcomes
    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.model.plan import Plan
    from skaha_apply.planning.situation import Situation
    from skaha_apply.workflow.reconcile.request import ApplyRequest
    from skaha_apply.workflow.reconcile.results import PassResult, Progress
    from skaha_apply.workflow.state.locking import ProjectState

LATER_LOCK = 60.0  # seconds for which a later pass of a wait lets another process keep the lock
FRESH = 60.0  # seconds after which an approval is followed by a new listing


async def one_pass(request: ApplyRequest, state: ProjectState, progress: Progress, last: PassResult) -> PassResult:
    """Make one pass after `last` and add what it does to `progress`.

    Once a plan is approved, a refused credential and an unavailable server end the pass with `stopped`.

    Raises:
        ServerError: the server cannot be used, and no plan is approved yet.
        StateError: the state cannot be locked, read, written or trusted.
        StalePlan, SafetyRefusal: the plan must not be carried out.
    """
    steps = _Pass(request, progress, last)
    # Projects that count the sessions of the account take turns: each one must list what the others have created.
    counts_account = request.project.max_active.account is not None
    with reporting_early_end(request, progress, lambda: steps.result):
        try:
            async with request.context.pass_lock if counts_account else nullcontext():
                await steps.run(state)
        except (Unauthorized, Unreachable) as error:
            if steps.result.approval is None:
                raise
            return replace(steps.result, stopped=reason_to_stop(error))
    return steps.result


class _Pass:
    """The steps of one pass. `result` is what it has reached, also if a step fails or is interrupted."""

    def __init__(self, request: ApplyRequest, progress: Progress, last: PassResult) -> None:
        self.result = replace(last, stopped=None)
        self._request = request
        self._progress = progress

    async def run(self, state: ProjectState) -> None:
        """Make the pass under the lock. Between the passes of a wait, another process can hold the lock."""
        request = self._request
        operation = "destroy" if request.options.plan.destroying else "apply"
        patience = request.context.location.setting.lock_timeout if self.result.plan is None else LATER_LOCK
        self.result = replace(self.result, began=asyncio.get_running_loop().time())
        async with state.locked(operation, patience, init=request.options.init) as execution:
            ledger = execution.ledger
            try:
                work = await self._approved_work(execution)
                if work is not None:
                    state.note_left({one.key for one in work.plan.decided_now if one.kind is ActionKind.RETIRED})
                    if update_specs(work.plan, ledger.working_state):
                        ledger.changed()
                    self._add(await carry_out(work, execution))
                    self.result = replace(self.result, listing=execution.lister.latest or self.result.listing)
                    if is_notified(request) and self.result.stopped is None:
                        at = work.situation.observation.listing.at
                        await send_due_notices(request, work.plan, ledger, self._progress, at)
            except asyncio.CancelledError:
                if request.lease is not None:
                    request.lease.drop(ledger)
                raise
            finally:
                self.result = replace(self.result, document=ledger.document, records=ledger.working_state.records)

    async def _approved_work(self, execution: ExecutionContext) -> ApprovedWork | None:
        """What this pass carries out; None if the plan was declined, or a safety rule stops the wait."""
        request = self._request
        situation = await self._observe(execution, request.options.approved if self.result.approval is None else None)
        plan = self._make_plan(situation)
        approval = self.result.approval
        if approval is None:
            approval = await ask_for_approval(request, plan, execution.ledger.working_state.head.lineage)
            if approval is None:
                self.result = replace(self.result, declined=True)
                return None
            self.result = replace(self.result, approval=approval, deadline=start_timeout(request))
            if plan.has_changes and request.context.client.now() - situation.now > FRESH:
                situation = await self._observe(execution, approval.plan.approved)
                plan = self._make_plan(situation)
                check_fresh(plan)
        elif reason := mass_deletion_during_wait(plan, execution.ledger.working_state, request.options.plan):
            refusal = SafetyRefusal(f"refused: {reason_text(reason)}", hint=MASS_DELETION_HINT)
            self.result = replace(self.result, stopped=refusal)
            return None
        actions_left = self._progress.actions_left(request.options.limit)
        allowed = allowed_actions(plan, approval, self._progress.tried, actions_left)
        for action in allowed.not_approved:
            why = reason_text(action.reason)
            self._progress.add_note(f"not approved, so not carried out: {action.kind} {action.name} ({why})")
        not_approved = frozenset(action.attempt_key for action in allowed.not_approved)
        self.result = replace(self.result, left_out=allowed.left_out, not_approved=not_approved)
        later = request.options.wait == "complete" and request.project.max_active.account is None
        return ApprovedWork(request.project, request.expansion, situation, plan, allowed.actions, confirms_later=later)

    async def _observe(self, execution: ExecutionContext, approved: tuple[str, ...] | None) -> Situation:
        """Observe the server, record the observation, and make what the planner reads of it.

        `approved` are the lines from which the plan must not differ.
        """
        situation = await observe_and_record(self._request, execution, self.result, self._progress)
        if self._request.lease is not None:
            self._request.lease.confirm(execution.ledger, execution.server)
        self.result = replace(self.result, offer=situation.offer, listing=situation.observation.listing)
        return replace(situation, options=replace(situation.options, approved=approved))

    def _make_plan(self, situation: Situation) -> Plan:
        request = self._request
        plan = make_plan(request.project, situation, request.expansion)
        self._progress.reruns = plan.reruns
        self.result = replace(self.result, plan=plan)
        return plan

    def _add(self, done: tuple[Outcomes, ...]) -> None:
        """Add what was done; the deletes of duplicates do not count for `--limit`."""
        self._progress.attempted += len(done[0].done) + len(done[0].failures)
        for outcomes in done:
            self._progress.add(outcomes)
            self.result = replace(self.result, stopped=outcomes.stopped or self.result.stopped)


def is_notified(request: ApplyRequest) -> bool:
    """Whether this invocation sends notices."""
    return request.project.notify is not None and not request.options.plan.destroying


async def send_due_notices(
    request: ApplyRequest, plan: Plan, ledger: Ledger, progress: Progress, observed: float
) -> None:
    """See `notices.send_due_notices`; few projects ask for notices."""
    from skaha_apply.workflow.reconcile import notices  # noqa: PLC0415

    await notices.send_due_notices(request, plan, ledger, progress, observed)


async def observe_and_record(
    request: ApplyRequest, execution: ExecutionContext, last: PassResult, progress: Progress
) -> Situation:
    """Observe until nothing of an earlier run is open; what the planner reads, with the options of this invocation.

    What the server offers is requested once. Actions that failed in this invocation take no slot.
    """
    seen, adopted = await observe(execution, saves_logs=last.approval is None)
    progress.began = seen.listing.at if progress.began is None else progress.began
    document = execution.ledger.document
    offer = last.offer if last.offer != Offer() else await ask_offer(request.context, request.project, document)
    options = replace(request.options.plan, failed=frozenset(progress.tried), reruns=progress.reruns)
    situation = make_situation(request.context, execution.ledger.working_state, seen, adopted)
    notes = (*execution.ledger.notes, *situation.notes)
    return replace(situation, options=options, offer=offer, new_state=execution.ledger.is_new, notes=notes)
