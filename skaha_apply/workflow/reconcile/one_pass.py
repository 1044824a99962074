"""One pass of an apply, under the lock: look, plan, have it approved the first time, act, confirm."""

from __future__ import annotations

import asyncio
import os
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from skaha_apply.apply.confirm import confirm, settle_leftovers
from skaha_apply.apply.context import ExecutionContext, Outcomes
from skaha_apply.apply.execute import execute
from skaha_apply.apply.lister import Lister
from skaha_apply.apply.log_saver import LogSaver
from skaha_apply.model.errors import SafetyRefusal, TimeoutReached, Unauthorized, Unreachable
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.report import Note
from skaha_apply.model.request import Offer
from skaha_apply.model.session import Phase
from skaha_apply.planning.safety.rules import GONE, gone
from skaha_apply.workflow.plan import ask_offer, make_situation, plan_from
from skaha_apply.workflow.reconcile.approval import allowed_actions, check_fresh, grant_time, is_approved, is_outdated
from skaha_apply.workflow.reconcile.credential_wait import outlast
from skaha_apply.workflow.setup.variables import unmasked
from skaha_apply.workflow.state.binding import check_account, check_first_run, remember_identity
from skaha_apply.workflow.state.locking import open_ledger

if TYPE_CHECKING:
    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.planning.situation import Situation
    from skaha_apply.planning.working_state import WorkingState
    from skaha_apply.workflow.reconcile.run import Run


LATER_LOCK = 60.0  # seconds that a later pass of a wait stands back for another process


async def make_pass(run: Run) -> None:
    """One pass. Once something was approved, a refused credential repeats it as soon as another one is valid."""
    while (refused := await _try_pass(run)) is not None and await outlast(run, refused):
        # What the refusal left undone is planned again.
        run.failures = {key: one for key, one in run.failures.items() if one.error != refused.message}


async def _try_pass(run: Run) -> Unauthorized | None:
    """One pass; returns the refusal of the credential that ended it, after something was approved.

    A server that stays away ends the call then, with a report of what was done.
    """
    # Projects that count the sessions of the account take turns: each has to see what the others have made.
    alone = run.project.max_active.account is not None
    try:
        async with run.world.turns if alone else nullcontext():
            await _pass(run)
    except Unauthorized as error:
        if run.approved is None:
            raise
        return error
    except Unreachable as error:
        if run.approved is None:
            raise
        run.halted = TimeoutReached(error.message, hint=error.hint)
    if not isinstance(run.halted, Unauthorized):
        return None
    refused, run.halted = run.halted, None
    return refused


async def _pass(run: Run) -> None:
    """One pass under the lock; between the passes of a wait another process may hold it for a while."""
    world, project = run.world, run.project
    run.began = asyncio.get_running_loop().time()
    operation = "destroy" if run.options.plan.destroying else "apply"
    patience = world.location.setting.lock_timeout if run.plan is None else LATER_LOCK
    async with open_ledger(world, project, operation, patience) as (ledger, new):
        if new:
            check_first_run(world.location, os.environ, init=run.options.init)
        run.lineage = ledger.book.head.lineage
        try:
            await _act(run, ledger, new=new)
        finally:
            run.document = ledger.document


async def _act(run: Run, ledger: Ledger, *, new: bool) -> None:
    """Look, plan, approve, act and confirm, with the ledger open."""
    tools = make_tools(run, ledger)
    situation = await sighted(run, tools, new=new)
    if run.since is None:
        run.since = situation.observation.listing.at
    run.plan = plan = plan_from(run.world, run.project, _plan_options(run), situation, run.expansion)
    run.listing = situation.observation.listing
    if run.approved is None and not await is_approved(run, plan):
        run.declined = True
        return
    if run.approved is None:
        run.approved = plan
        grant_time(run)
        if is_outdated(run, plan, situation):
            situation = await sighted(run, tools, new=new)
            run.plan = plan_from(run.world, run.project, _plan_options(run), situation, run.expansion)
            check_fresh(plan.approved, run.plan)
            plan = run.plan
    elif reason := gone(plan, ledger.book, run.options.plan):
        run.halted = SafetyRefusal(f"refused: {reason}", hint=GONE)
        return
    settle_records(plan, ledger)
    allowed = allowed_actions(run, plan)
    await tools.keeper.save_ended(ledger, {action.key for action in allowed})  # another session may take its place
    outcomes = await execute(allowed, tools)
    run.spent += len(outcomes.done) + len(outcomes.failures)
    _take(run, outcomes)
    if outcomes.halted is None and not _looks_again(run, outcomes):
        run.notes.update(dict.fromkeys(await confirm(tools, outcomes)))
    run.listing = tools.looker.latest or run.listing
    remember_identity(ledger, run.listing, run.world)
    await tools.keeper.save_ended(ledger)
    if outcomes.unsure and outcomes.halted is None:
        await _remove_doubles(run, tools)
    if tools.keeper.problem:
        run.notes[tools.keeper.problem] = None


def _looks_again(run: Run, outcomes: Outcomes) -> bool:
    """Whether the next pass confirms what this one did: it made sessions, with clear answers, and the wait goes on."""
    if run.options.wait != "complete" or run.project.max_active.account is not None:
        return False
    return bool(outcomes.accepted) and not (outcomes.deleted or outcomes.unsure or outcomes.spared)


def _plan_options(run: Run) -> PlanOptions:
    """What the planner is told: when the call began, and what was tried in vain and keeps no place from others."""
    return replace(run.options.plan, failed=frozenset(run.tried), since=run.since)


def make_tools(run: Run, ledger: Ledger) -> ExecutionContext:
    """What a pass over an open ledger works with."""
    world = run.world
    setting = world.location.setting
    for remark in unmasked(run.project) if setting.keep_logs else ():
        run.observe(Note(remark))
    return ExecutionContext(
        server=world.client.guarded(ledger.prove),
        ledger=ledger,
        looker=Lister(world.client, setting.settle),
        keeper=LogSaver(
            world.client, world.location.logs(run.project.name) if setting.keep_logs else None, run.project.secrets
        ),
        observe=run.observe,
        project=run.project.name,
        settle=setting.settle,
        concurrency=setting.concurrency,
        secrets=run.project.secrets,
    )


async def sighted(run: Run, tools: ExecutionContext, *, new: bool) -> Situation:
    """Look until nothing of an earlier run is open, and record at once what the list shows."""
    ledger = tools.ledger
    seen, adopted = await settle_leftovers(tools, partial(check_account, ledger.document, run.world))
    remember_identity(ledger, tools.looker.latest, run.world)
    if run.approved is None:  # a later pass saves logs at its end, once the next sessions are on their way
        await tools.keeper.save_ended(ledger)
    document = ledger.document
    if run.offer == Offer():  # nothing is known yet; what a server offers does not change from pass to pass
        run.offer = await ask_offer(run.world, run.project, document)
    return replace(make_situation(run.world, document, seen, adopted), offer=run.offer, new_state=new)


async def _remove_doubles(run: Run, tools: ExecutionContext) -> None:
    """What our own unsure creates made twice is removed as soon as a settled list shows it."""
    document = tools.ledger.document
    seen = await tools.looker.look(document)
    situation = make_situation(run.world, document, seen)
    plan = plan_from(run.world, run.project, _plan_options(run), situation, run.expansion)
    doubles = [action for action in plan.actions if any(victim.why == "surplus" for victim in action.victims)]
    if doubles:
        run.observe(Note(f"{len(doubles)} double(s) of our own unsure creates are deleted"))
        _take(run, await execute(doubles, tools))


def _take(run: Run, outcomes: Outcomes) -> None:
    run.applied.update(outcomes.applied)
    run.created.update(outcomes.accepted)
    run.tried |= outcomes.tried
    for action in outcomes.done:
        run.failures.pop((action.name, action.kind.value), None)
    for failure in outcomes.failures:
        run.failures[failure.name, failure.action] = failure
    run.halted = run.halted or outcomes.halted


def settle_records(plan: Plan, ledger: Ledger) -> None:
    """Record what specs say beyond their digests (protect, their file), and that what vanished is taken as complete."""
    book = ledger.book
    for action in plan.actions:
        if action.kind.changes and action.kind is not ActionKind.RENEW:
            continue
        now = book.records.get(action.key)
        if now is None or action.record is None:
            continue
        after = _complete(_current(now, action, book), action)
        if after is not now:
            book.records[now.key] = after
            ledger.changed()


def _current(record: ReplicaRecord, action: Action, book: WorkingState) -> ReplicaRecord:
    """The record with the spec of now, where that says the same of the work; specs are compared, for it is cheap."""
    desired = action.desired
    if desired is None or (record.work, record.run) != (desired.work, desired.run):
        return record
    known = book.specs.get(record.spec)
    if known is desired.spec or known == desired.spec:
        return record
    return record.model_copy(update={"spec": book.record_spec(desired.spec)})


def _complete(record: ReplicaRecord, action: Action) -> ReplicaRecord:
    """A session that disappeared is complete if its spec says so (`vanished: complete`)."""
    if action.kind is not ActionKind.DONE or record.phase not in (Phase.GONE, Phase.UNKNOWN):
        return record
    ended = record.ended or record.seen or record.accepted
    return record.model_copy(update={"phase": Phase.DONE, "ended": ended, "note": action.reason, "logged": True})
