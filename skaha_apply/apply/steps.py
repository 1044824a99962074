"""The two steps of a pass that use server and state: observe the sessions, and carry out what is approved."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.apply.confirm import confirm, resolve_open_requests
from skaha_apply.apply.context import Outcomes
from skaha_apply.apply.execute import execute
from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import TimeoutReached, Unauthorized, Unreachable
from skaha_apply.model.report import Note
from skaha_apply.planning.planner import plan as make_plan
from skaha_apply.planning.tracking.confirmed_times import take_times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.apply.context import ExecutionContext
    from skaha_apply.model.errors import SkahaApplyError
    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.project import Project
    from skaha_apply.model.session import Observation
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.planning.expansion import Expansion
    from skaha_apply.planning.situation import Situation


@dataclass(frozen=True)
class ApprovedWork:
    """What a pass carries out: the approved actions of a plan, and what the plan was made from.

    `confirms_later` states that the next pass confirms the creates of this one.
    """

    project: Project
    expansion: Expansion
    situation: Situation
    plan: Plan
    actions: Sequence[Action]
    confirms_later: bool = False


async def observe(context: ExecutionContext, *, saves_logs: bool) -> tuple[Observation, frozenset[ReplicaKey]]:
    """List until nothing of an earlier run is open, and record what the listings show.

    Returns the observation and the replicas whose unconfirmed create it has decided. Once a plan is approved, logs are
    saved at the end of a pass, so that its creates are sent without delay.
    """
    seen, adopted = await resolve_open_requests(context)
    if saves_logs:
        await context.log_saver.save_ended(context.ledger)
    return seen, adopted


async def carry_out(work: ApprovedWork, context: ExecutionContext) -> tuple[Outcomes, ...]:
    """Carry out the work of a pass and confirm it: the outcomes of the actions, then those of deleted duplicates.

    At the end, the records of replicas that are done can move to the archive of the store.
    A refused credential and an unavailable server end the pass with `stopped`.

    Raises:
        StateError: an intent cannot be stored; no request is sent without one.
    """
    if context.ledger.is_new:  # the first run stores a state, also if there was nothing to do
        context.ledger.changed()
    if work.actions:
        take_times(context.ledger.working_state)
    done: list[Outcomes] = []
    try:
        await context.log_saver.save_ended(context.ledger, {action.key for action in work.actions})
        outcomes = await execute(work.actions, context)
        done.append(outcomes)
        if outcomes.stopped is None:
            if not (work.confirms_later and outcomes.only_creates):
                outcomes.notes += await confirm(context, outcomes)
            await context.log_saver.save_ended(context.ledger)  # also while every pass creates sessions: logs expire
        if outcomes.unconfirmed and outcomes.stopped is None:
            done.append(await _delete_duplicates(work, context))
    except (Unauthorized, Unreachable) as error:
        done = done or [Outcomes()]
        done[-1].stopped = reason_to_stop(error)
    if context.log_saver.problem:
        done[-1].notes.append(context.log_saver.problem)
    context.ledger.archive_done(work.expansion)
    return tuple(done)


def reason_to_stop(error: Unauthorized | Unreachable) -> SkahaApplyError:
    """Why a run with an approved plan stops: it waits for a valid credential, but not for an unavailable server."""
    return error if isinstance(error, Unauthorized) else TimeoutReached(error.message, hint=error.hint)


async def _delete_duplicates(work: ApprovedWork, context: ExecutionContext) -> Outcomes:
    """Delete the duplicate sessions that unconfirmed creates of this pass have made."""
    ledger = context.ledger
    observation = await context.lister.observe_server(ledger.working_state)
    now = replace(work.situation, state=ledger.document, working=ledger.working_state)
    # The pass has checked the account; a duplicate session that is listed is one of it.
    situation = replace(now, observation=observation, adopted=frozenset(), identity=None)
    plan = make_plan(work.project, situation, work.expansion)
    duplicates = [action for action in plan.decided_now if action.deletes_second_session]
    if not duplicates:
        return Outcomes()
    context.observe(Note(f"deleting {len(duplicates)} duplicate session(s) of unconfirmed creates"))
    return await execute(duplicates, context)
