"""Apply: lock, look, plan, approve, act, confirm, report; with `--wait`, pass after pass until nothing can change.

The lock is held for a pass, not for the wait, and state and credential are read again in each. What is desired is read
once. Later passes do what the approved plan showed as due later (waits, retries, renewals, doubles of our own); a
delete or replace that was not approved is reported, not done.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from skaha_apply.apply.confirm import confirm, settle_leftovers
from skaha_apply.apply.execute import execute
from skaha_apply.apply.keep import Keeper
from skaha_apply.apply.look import Looker
from skaha_apply.apply.tools import Outcomes, Tools
from skaha_apply.model.errors import SafetyRefusal, StalePlan, TimeoutReached, Unreachable
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.report import Note
from skaha_apply.model.request import Offer
from skaha_apply.planning.approval import approval_line, needs_approval
from skaha_apply.planning.safety import GONE, gone
from skaha_apply.planning.staleness import differences
from skaha_apply.workflow import waiting
from skaha_apply.workflow.binding import (
    check_account,
    check_first_run,
    remember_identity,
)
from skaha_apply.workflow.locking import open_ledger
from skaha_apply.workflow.observe import Sight, ask_offer, plan_from
from skaha_apply.workflow.reporting import make_report
from skaha_apply.workflow.run import ApplyOptions, Run
from skaha_apply.workflow.settling import settle_records
from skaha_apply.workflow.variables import check_complete, unmasked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.report import Event, Report
    from skaha_apply.model.spec import Project
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.workflow.world import World

AFTER_APPROVAL = 600.0  # seconds that a server which stays away is waited for once something was approved
LATER_LOCK = 60.0  # seconds that a later pass of a wait stands back for another process
FRESH = 60.0  # seconds after which an answer is followed by a new look


async def apply(
    world: World,
    project: Project,
    options: ApplyOptions,
    approve: Callable[[Plan], Awaitable[bool]],
    observe: Callable[[Event], None],
) -> Report:
    """Make the server hold what the project asks for.

    Args:
        world: server and stores.
        project: what should exist.
        options: how.
        approve: is shown the plan, once, and says yes or no; its answer to an empty or refused plan does not count.
        observe: is told what happens.

    Returns:
        What was done and where each replica stands; its `exit_code` is that of the call.

    Raises:
        SafetyRefusal: a safety rule refuses the plan (shown to `approve` before).
        StalePlan: a saved plan no longer describes what would be done.
        StateLocked: somebody else holds the lock.
        StateError: the state cannot be read, written or trusted.
        ServerError: the server cannot be asked, before anything was approved.
        UsageError: a sensitive variable has no value.
    """
    return await go_on(await begin(world, project, options, approve, observe))


async def begin(
    world: World,
    project: Project,
    options: ApplyOptions,
    approve: Callable[[Plan], Awaitable[bool]],
    observe: Callable[[Event], None],
) -> Run:
    """The first pass of `apply`, in which the plan is approved; `go_on` makes the others, if they are waited for."""
    if not options.plan.destroying:
        check_complete(project)
    run = Run(world, project, options, approve, observe)
    await _try_pass(run)
    return run


async def go_on(run: Run) -> Report:
    """Pass after pass until the wait is over; the runs of several projects may do so side by side."""
    waited = False
    while not run.declined and run.halted is None and not waiting.ended(run):
        waited = True
        run.observe(waiting.waiting(run))
        await waiting.rest(run)
        if run.halted is None:
            await _try_pass(run)
    if waited:
        run.observe(waiting.waiting(run))  # what was shown last stays on the screen
    return make_report(run)


async def destroy(
    world: World,
    project: Project,
    options: ApplyOptions,
    approve: Callable[[Plan], Awaitable[bool]],
    observe: Callable[[Event], None],
) -> Report:
    """Delete what is live and owned; protected replicas stay, the memory of what is done is kept. See `apply`."""
    destroying = replace(options.plan, destroying=True)
    return await apply(world, project, replace(options, plan=destroying, wait="none"), approve, observe)


async def refresh(world: World, project: Project, observe: Callable[[Event], None]) -> Report:
    """Look and record (phases, times, logs), and do nothing else. See `apply` for what it raises."""
    run = open_run(world, project, observe)
    async with open_ledger(world, project, "refresh") as (ledger, _):
        sight = await _sight(run, make_tools(run, ledger), new=False)
        run.plan = plan_from(world, project, run.options.plan, sight)
        run.document, run.listing = ledger.document, sight.seen.listing
    return make_report(run)


def open_run(world: World, project: Project, observe: Callable[[Event], None]) -> Run:
    """A run that approves nothing, for commands that only look and record."""

    async def no(_: Plan) -> bool:
        return False

    return Run(world, project, ApplyOptions(), no, observe)


async def _try_pass(run: Run) -> None:
    """One pass; once something was approved, a server that stays away ends the call with a report of what was done."""
    # Projects that count the sessions of the account take turns: each has to see what the others have made.
    alone = run.project.max_active.account is not None
    try:
        async with run.world.turns if alone else nullcontext():
            await _pass(run)
    except Unreachable as error:
        if run.approved is None:
            raise
        run.halted = TimeoutReached(error.message, hint=error.hint)


async def _pass(run: Run) -> None:
    """One pass under the lock; between the passes of a wait another process may hold it for a while."""
    world, project = run.world, run.project
    run.began = asyncio.get_running_loop().time()
    operation = "destroy" if run.options.plan.destroying else "apply"
    patience = world.place.setting.lock_timeout if run.plan is None else LATER_LOCK
    async with open_ledger(world, project, operation, patience) as (ledger, new):
        if new:
            check_first_run(world.place, os.environ, init=run.options.init)
        run.lineage = ledger.book.head.lineage
        try:
            await _act(run, ledger, new=new)
        finally:
            run.document = ledger.document


async def _act(run: Run, ledger: Ledger, *, new: bool) -> None:
    """Look, plan, approve, act and confirm, with the ledger open."""
    tools = make_tools(run, ledger)
    sight = await _sight(run, tools, new=new)
    if run.since is None:
        run.since = sight.seen.listing.at
    run.plan = plan = plan_from(run.world, run.project, _plan_options(run), sight, run.expansion)
    run.listing = sight.seen.listing
    if run.approved is None and not await _approved(run, plan):
        run.declined = True
        return
    if run.approved is None:
        run.approved = plan
        _grant(run)
        if await _outdated(run, plan, sight):
            sight = await _sight(run, tools, new=new)
            run.plan = plan_from(run.world, run.project, _plan_options(run), sight, run.expansion)
            _check_fresh(plan.approved, run.plan)
            plan = run.plan
    elif reason := gone(plan, ledger.book, run.options.plan):
        run.halted = SafetyRefusal(f"refused: {reason}", hint=GONE)
        return
    settle_records(plan, ledger)
    allowed = _allowed(run, plan)
    await tools.keeper.save_ended(ledger, {action.key for action in allowed})  # another session may take its place
    outcomes = await execute(allowed, tools)
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


def make_tools(run: Run, ledger: Ledger) -> Tools:
    """What a pass over an open ledger works with."""
    world = run.world
    setting = world.place.setting
    for remark in unmasked(run.project) if setting.keep_logs else ():
        run.observe(Note(remark))
    return Tools(
        server=world.client,
        ledger=ledger,
        looker=Looker(world.client, setting.settle),
        keeper=Keeper(
            world.client, world.place.logs(run.project.name) if setting.keep_logs else None, run.project.secrets
        ),
        observe=run.observe,
        project=run.project.name,
        settle=setting.settle,
        concurrency=setting.concurrency,
        secrets=run.project.secrets,
    )


async def _sight(run: Run, tools: Tools, *, new: bool) -> Sight:
    """Look until nothing of an earlier run is open, and record at once what the list shows."""
    ledger = tools.ledger
    seen, adopted = await settle_leftovers(tools, partial(check_account, ledger.document, run.world))
    remember_identity(ledger, tools.looker.latest, run.world)
    if run.approved is None:  # a later pass saves logs at its end, once the next sessions are on their way
        await tools.keeper.save_ended(ledger)
    document = ledger.document
    if run.offer == Offer():  # nothing is known yet; what a server offers does not change from pass to pass
        run.offer = await ask_offer(run.world, run.project, document)
    return Sight(document, seen, adopted, new, run.offer)


async def _approved(run: Run, plan: Plan) -> bool:
    """Whether the plan may be carried out; shows it, asks, and raises what forbids it."""
    if run.options.approved is not None:
        _check_fresh(run.options.approved, plan)
        if run.options.lineage not in (None, "", run.lineage):
            raise StalePlan("the state was started anew since the plan was made (another lineage)", hint="Plan again.")
    yes = await run.approve(plan)
    if plan.refused is not None:
        raise SafetyRefusal(f"refused: {plan.refused}")
    return yes or not plan.has_changes


def _check_fresh(approved: tuple[str, ...], plan: Plan) -> None:
    if found := differences(approved, plan.approved):
        shown = "\n".join(found)
        raise StalePlan(
            f"the plan is stale; since it was made, this changed:\n{shown}",
            hint="Plan again, and have the new plan approved.",
        )


async def _outdated(run: Run, plan: Plan, sight: Sight) -> bool:
    """Whether the answer took so long that the look is no longer fresh."""
    return plan.has_changes and run.world.client.now() - sight.seen.listing.at > FRESH


def _grant(run: Run) -> None:
    """From the approval on, a server that stays away is waited for."""
    run.world.client.patience = run.options.timeout or AFTER_APPROVAL
    if run.options.timeout is not None:
        run.deadline = asyncio.get_running_loop().time() + run.options.timeout


def _allowed(run: Run, plan: Plan) -> list[Action]:
    """The actions of a pass: what was approved, and has not failed in this call. What was not approved is noted."""
    approved = run.approved
    actions = [one for one in plan.actions if one.kind.changes and one.trial not in run.tried]
    if approved is None or approved is plan:
        return _limit(actions, run.options.limit)
    lines = set(approved.approved)
    shown = {action.key: action.kind for action in approved.actions}
    allowed = []
    for action in actions:
        later = not action.victims and shown.get(action.key) is ActionKind.WAIT
        if needs_approval(action) and approval_line(action) not in lines and not later:
            run.notes[f"not approved, so left alone: {action.kind} {action.name} ({action.reason})"] = None
        else:
            allowed.append(action)
    return _limit(allowed, run.options.limit)


def _limit(actions: list[Action], limit: int | None) -> list[Action]:
    return actions if limit is None else actions[:limit]


async def _remove_doubles(run: Run, tools: Tools) -> None:
    """What our own unsure creates made twice is removed as soon as a settled list shows it."""
    document = tools.ledger.document
    seen = await tools.looker.look(document)
    sight = Sight(document, seen, frozenset(), new_state=False, offer=Offer())
    plan = plan_from(run.world, run.project, _plan_options(run), sight, run.expansion)
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
