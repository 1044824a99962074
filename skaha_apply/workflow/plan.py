"""Plans a project: reads the state, observes the server, and computes the plan. It takes no lock and writes nothing."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.apply.lister import Lister
from skaha_apply.model.names.moves import with_moves
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.model.request import Offer
from skaha_apply.model.session import Listing, Observation
from skaha_apply.planning.archive import ArchiveNeeded
from skaha_apply.planning.planner import archived_replicas
from skaha_apply.planning.planner import plan as make_plan
from skaha_apply.planning.safety.account import check_account
from skaha_apply.planning.situation import Situation
from skaha_apply.planning.tracking.update import update_working_state
from skaha_apply.planning.working_state import WorkingState
from skaha_apply.workflow.state.binding import find_store, new_document, read_state

if TYPE_CHECKING:
    from skaha_apply.model.plan import Plan
    from skaha_apply.model.ports import Store
    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import StateDocument
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.workflow.setup.context import Context, StateLocation


MOST_NAMED = 5


async def plan(context: Context, project: Project, options: PlanOptions) -> Plan:
    """The plan of one project, as it is now.

    Raises:
        StateError: the state cannot be read, or belongs to another project, server or account.
        ServerError: the server cannot be used.
    """
    return (await observe_and_plan(context, project, options))[1]


async def observe_and_plan(
    context: Context, project: Project, options: PlanOptions, *, whole: bool = True
) -> tuple[Situation, Plan]:
    """The situation and the plan of one project; see `plan` for what it raises.

    Without `whole`, the plan only counts the done replicas in the archive of the state, if it can be made so.
    """
    if not whole:
        with suppress(ArchiveNeeded):
            situation = await observe_project(context, project, options, whole=False)
            return situation, make_plan(project, situation)
    situation = await observe_project(context, project, options)
    return situation, make_plan(project, situation)


async def observe_project(context: Context, project: Project, options: PlanOptions, *, whole: bool = True) -> Situation:
    """Observe server and state once; see `plan` for what it raises.

    Without `whole`, the archive of the state is not read. Then it raises `ArchiveNeeded`, before it sends a request, if
    a plan cannot be made so.
    """
    stored = await read_state(find_store(context.location, project), context.location, project, whole=whole)
    if stored is not None:
        archived_replicas(project, stored, options)
    opened = with_moves(stored or new_document(context.location, project), project)
    document = opened.document
    working, settle = WorkingState.from_document(document), context.location.setting.settle
    lister = Lister(context.client, settle)
    pods = [pending.id for pending in document.tombstones if pending.active]
    seen = await lister.observe_server(working, pods)
    check_account(document, seen.listing, context.identity)
    adopted = update_working_state(working, seen, settle, stale=math.inf)  # nothing is stored
    situation = make_situation(context, working, seen, adopted)
    offer = await ask_offer(context, project, document)
    notes = (*opened.notes, *situation.notes)
    return replace(situation, options=options, offer=offer, new_state=stored is None, notes=notes)


def make_situation(
    context: Context, working: WorkingState, observation: Observation, adopted: frozenset[ReplicaKey] = frozenset()
) -> Situation:
    """The situation of an observation. The function is pure, except that it checks which manifest files exist."""
    state = working.to_document()
    return Situation(
        state=state,
        observation=observation,
        adopted=adopted,
        server=context.client.address,
        present=_present(context.location, state),
        identity=context.identity,
        notes=_notes(context, observation),
        working=working,
    )


async def ask_offer(context: Context, project: Project, document: StateDocument) -> Offer:
    """What the server offers, if the plan uses it: the limit of interactive sessions, the cores of flexible ones."""
    interactive = any(spec.kind.interactive for spec in project.sessions)
    flexible = any(spec.cores is None for spec in document.specs.values())
    return await context.client.offer() if interactive or flexible else Offer()


def _present(location: StateLocation, state: StateDocument) -> frozenset[str]:
    files, base = {spec.file for spec in state.specs.values()}, Path(location.base or location.root)
    return frozenset(file for file in files if file and file != "-" and (base / file).exists())


def _notes(context: Context, observation: Observation) -> tuple[Reason, ...]:
    note = context.sandbox_note
    notes = [] if note is None else [note]
    notes += [] if context.client.has_server_time else [Reason(ReasonCode.NO_SERVER_TIME)]
    if missing := sorted(observation.failed_lookups):
        named = ", ".join(missing[:MOST_NAMED])
        notes.append(Reason(ReasonCode.END_UNCONFIRMED, sessions=named, more=max(0, len(missing) - MOST_NAMED)))
    return tuple(notes)


async def plan_offline(location: StateLocation, project: Project, options: PlanOptions) -> Plan:
    """The plan of one project at the time when its state was last written. Sessions active then count as active.

    That time is the time of the plan. With the present time, every session of then would seem to have run until
    now.

    Raises:
        StateError: the state cannot be read, or belongs to another project or server.
    """
    return offline_plan_from(project, await offline_situation(location, project, options))


async def offline_situation(
    location: StateLocation, project: Project, options: PlanOptions, store: Store | None = None
) -> Situation:
    """The situation when the state was last written; see `plan_offline`.

    A `store` that is used again does not read a document again that has not changed.
    """
    stored = await read_state(store or find_store(location, project), location, project)
    opened = with_moves(stored or new_document(location, project), project)
    document = opened.document
    then = document.written or time.time()
    return Situation(
        state=document,
        observation=Observation(Listing((), then, then), found=then, whole=False),
        options=options,
        server=location.url or location.server,
        present=_present(location, document),
        new_state=stored is None,
        offline=True,
        notes=(*opened.notes, _offline_note(None if stored is None else then)),
    )


def offline_plan_from(project: Project, situation: Situation) -> Plan:
    """The plan that follows from a situation without a server."""
    made = make_plan(project, situation)
    return replace(made, offline=True, newly_decided=None)


def _offline_note(written: float | None) -> Reason:
    """The note of an offline plan; `written` is when the state was last written, None without a state."""
    return Reason(ReasonCode.OFFLINE_NEW_STATE) if written is None else Reason(ReasonCode.OFFLINE, written=written)
