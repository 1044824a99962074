"""One pass of `apply` under the lock: observe, plan, get the approval (in the first pass), act, confirm."""

from __future__ import annotations

import asyncio
import os
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from skaha_apply.apply.confirm import confirm, resolve_open_requests
from skaha_apply.apply.context import ExecutionContext
from skaha_apply.apply.execute import execute
from skaha_apply.apply.lister import Lister
from skaha_apply.apply.log_saver import LogSaver
from skaha_apply.apply.spec_updates import update_specs
from skaha_apply.model.errors import SafetyRefusal, TimeoutReached, Unauthorized, Unreachable
from skaha_apply.model.report import Note
from skaha_apply.model.request import Offer
from skaha_apply.planning.safety.rules import MASS_DELETION_HINT, mass_deletion_during_wait
from skaha_apply.render.reasons import reason_text
from skaha_apply.workflow.plan import ask_offer, make_situation, plan_from
from skaha_apply.workflow.reconcile.approval import check_fresh, grant_approval, is_approved, is_covered, is_outdated
from skaha_apply.workflow.reconcile.report import reporting_interrupts
from skaha_apply.workflow.setup.variables import unmasked
from skaha_apply.workflow.state.binding import check_account, check_first_run, remember_identity
from skaha_apply.workflow.state.locking import open_ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.apply.context import Outcomes
    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.project import Project
    from skaha_apply.model.report import Event
    from skaha_apply.planning.situation import Situation
    from skaha_apply.workflow.reconcile.request import ApplyRequest
    from skaha_apply.workflow.reconcile.results import PassResult, Progress
    from skaha_apply.workflow.setup.context import Context

LATER_LOCK = 60.0  # seconds for which a later pass of a wait lets another process keep the lock


async def one_pass(request: ApplyRequest, progress: Progress, last: PassResult) -> PassResult:
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
    with reporting_interrupts(request, lambda: steps.result):
        try:
            async with request.context.pass_lock if counts_account else nullcontext():
                await steps.run()
        except (Unauthorized, Unreachable) as error:
            if steps.result.approval is None:
                raise
            stopped = error if isinstance(error, Unauthorized) else TimeoutReached(error.message, hint=error.hint)
            return replace(steps.result, stopped=stopped)
    return steps.result


class _Pass:
    """The steps of one pass. `result` is what it has reached, also if a step fails or is interrupted."""

    def __init__(self, request: ApplyRequest, progress: Progress, last: PassResult) -> None:
        self.result = replace(last, stopped=None)
        self._request = request
        self._progress = progress

    async def run(self) -> None:
        """Make the pass under the lock. Between the passes of a wait, another process can hold the lock."""
        request = self._request
        operation = "destroy" if request.options.plan.destroying else "apply"
        patience = request.context.location.setting.lock_timeout if self.result.plan is None else LATER_LOCK
        self.result = replace(self.result, began=asyncio.get_running_loop().time())
        async with open_ledger(request.context, request.project, operation, patience) as (ledger, is_new):
            if is_new:
                check_first_run(request.context.location, os.environ, init=request.options.init)
            execution = make_execution_context(request.context, request.project, ledger, request.observe)
            try:
                plan = await self._plan(execution, is_new=is_new)
                if plan is not None:
                    await self._act(plan, execution)
            finally:
                self.result = replace(self.result, document=ledger.document)

    async def _plan(self, execution: ExecutionContext, *, is_new: bool) -> Plan | None:
        """The plan that this pass carries out, None if it was declined or a safety rule stops the wait."""
        situation = await self._observe(execution, is_new=is_new)
        plan = self._make_plan(situation)
        self.result = replace(self.result, plan=plan)
        if self.result.approval is None:
            return await self._approved_plan(plan, situation, execution)
        if reason := mass_deletion_during_wait(plan, execution.ledger.working_state, self._request.options.plan):
            refusal = SafetyRefusal(f"refused: {reason_text(reason)}", hint=MASS_DELETION_HINT)
            self.result = replace(self.result, stopped=refusal)
            return None
        return plan

    async def _approved_plan(self, plan: Plan, situation: Situation, execution: ExecutionContext) -> Plan | None:
        """The plan once it is approved; a new and equal one if the approval took long. None if it was declined."""
        request = self._request
        if not await is_approved(request, plan, execution.ledger.working_state.head.lineage):
            self.result = replace(self.result, declined=True)
            return None
        self.result = replace(self.result, approval=grant_approval(request, plan))
        if not is_outdated(request, plan, situation.observation.listing.at):
            return plan
        newer = self._make_plan(await self._observe(execution, is_new=situation.new_state))
        self.result = replace(self.result, plan=newer)
        check_fresh(plan.approved, newer)
        return newer

    async def _observe(self, execution: ExecutionContext, *, is_new: bool) -> Situation:
        """Observe the server and record the observation."""
        request, result = self._request, self.result
        situation = await observe_and_record(request.context, request.project, execution, result, is_new=is_new)
        if self._progress.since is None:
            self._progress.since = situation.observation.listing.at
        self.result = replace(result, offer=situation.offer, listing=situation.observation.listing)
        return situation

    def _make_plan(self, situation: Situation) -> Plan:
        """The plan for an observation. Actions that failed in this invocation take no slot."""
        request, progress = self._request, self._progress
        options = replace(request.options.plan, failed=frozenset(progress.tried), since=progress.since)
        return plan_from(request.context, request.project, options, situation, request.expansion)

    async def _act(self, plan: Plan, execution: ExecutionContext) -> None:
        """Carry out what is approved, and confirm it."""
        update_specs(plan, execution.ledger)
        outcomes = await self._execute(self._allowed_actions(plan), execution)
        self._progress.attempted += len(outcomes.done) + len(outcomes.failures)
        if outcomes.stopped is None and not self._confirms_later(outcomes):
            for note in await confirm(execution, outcomes):
                self._progress.add_note(note)
        listing = execution.lister.latest or self.result.listing
        self.result = replace(self.result, listing=listing)
        remember_identity(execution.ledger, listing, self._request.context)
        await execution.log_saver.save_ended(execution.ledger)
        if outcomes.unconfirmed and outcomes.stopped is None:
            await self._delete_duplicates(execution)
        if execution.log_saver.problem:
            self._progress.add_note(execution.log_saver.problem)

    def _allowed_actions(self, plan: Plan) -> list[Action]:
        """The approved actions that have not failed in this invocation, as many as `--limit` allows.

        Each action without approval adds a note to the report.
        """
        approval, progress = self.result.approval, self._progress
        allowed = []
        for action in plan.actions:
            if not action.kind.changes or action.attempt_key in progress.tried:
                continue
            if approval is None or is_covered(approval, plan, action):
                allowed.append(action)
            else:
                why = reason_text(action.reason)
                progress.add_note(f"not approved, so left alone: {action.kind} {action.name} ({why})")
        kept = allowed[: progress.actions_left(self._request.options.limit)]
        self.result = replace(self.result, left_out=len(allowed) - len(kept))
        return kept

    async def _execute(self, actions: list[Action], execution: ExecutionContext) -> Outcomes:
        """Carry out actions, after the logs of ended sessions that they replace are saved."""
        await execution.log_saver.save_ended(execution.ledger, {action.key for action in actions})
        outcomes = await execute(actions, execution)
        self._add(outcomes)
        return outcomes

    def _add(self, outcomes: Outcomes) -> None:
        self._progress.add(outcomes)
        self.result = replace(self.result, stopped=self.result.stopped or outcomes.stopped)

    def _confirms_later(self, outcomes: Outcomes) -> bool:
        """Whether the next pass confirms this one: the wait continues, and every outcome was clear."""
        if self._request.options.wait != "complete" or self._request.project.max_active.account is not None:
            return False
        return bool(outcomes.accepted) and not (outcomes.deleted or outcomes.unconfirmed or outcomes.already_ended)

    async def _delete_duplicates(self, execution: ExecutionContext) -> None:
        """Delete the duplicate sessions that unconfirmed creates of this pass have made."""
        document = execution.ledger.document
        observation = await execution.lister.observe_server(document)
        plan = self._make_plan(make_situation(self._request.context, document, observation))
        duplicates = [action for action in plan.actions if any(one.why == "surplus" for one in action.victims)]
        if duplicates:
            self._request.observe(Note(f"deleting {len(duplicates)} duplicate session(s) of unconfirmed creates"))
            self._add(await execute(duplicates, execution))


def make_execution_context(
    context: Context, project: Project, ledger: Ledger, observe: Callable[[Event], None]
) -> ExecutionContext:
    """What the executor works with while the ledger is open."""
    setting = context.location.setting
    for warning in unmasked(project) if setting.keep_logs else ():
        observe(Note(warning))
    logs = context.location.logs(project.name) if setting.keep_logs else None
    return ExecutionContext(
        server=context.client.guarded(ledger.check_lock),
        ledger=ledger,
        lister=Lister(context.client, setting.settle),
        log_saver=LogSaver(context.client, logs, project.secrets),
        observe=observe,
        project=project.name,
        settle=setting.settle,
        concurrency=setting.concurrency,
        secrets=project.secrets,
    )


async def observe_and_record(
    context: Context, project: Project, execution: ExecutionContext, last: PassResult, *, is_new: bool
) -> Situation:
    """List until nothing of an earlier run is open, and record at once what the listings show.

    Once a plan is approved, logs are saved at the end of a pass, so that its creates are sent without delay. What the
    server offers is requested once.
    """
    ledger = execution.ledger
    seen, adopted = await resolve_open_requests(execution, partial(check_account, ledger.document, context))
    remember_identity(ledger, execution.lister.latest, context)
    if last.approval is None:
        await execution.log_saver.save_ended(ledger)
    document = ledger.document
    offer = await ask_offer(context, project, document) if last.offer == Offer() else last.offer
    return replace(make_situation(context, document, seen, adopted), offer=offer, new_state=is_new)
