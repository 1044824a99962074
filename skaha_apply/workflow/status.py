"""The status of every replica of a project, from the state and a listing. It takes no lock and writes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.model.errors import ServerError, worst
from skaha_apply.model.masking.secrets import masked
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.session import Phase
from skaha_apply.model.status import ProjectStatus, ReplicaStatus
from skaha_apply.planning.attempts import cause_of_failure, ended_after, peak_use
from skaha_apply.planning.failure_cause import shared_causes
from skaha_apply.planning.options import PlanOptions
from skaha_apply.planning.planner import plan as make_plan
from skaha_apply.planning.summary.entry_summaries import (
    Snapshot,
    has_another_attempt,
    is_in_summary,
    not_started,
    progress_word,
)
from skaha_apply.planning.summary.exit_codes import code_of
from skaha_apply.planning.summary.project_summary import project_summary
from skaha_apply.workflow.plan import observe_project, offline_plan_from, offline_situation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.project import Project
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.planning.situation import Situation
    from skaha_apply.workflow.setup.context import Context, StateLocation

LONG = 600.0  # seconds since its acceptance after which the status of a pending replica has the last line of its events
MOST_EVENTS = 20  # replicas whose events are requested
MOST_OBSERVATIONS = 3  # if another process writes the state meanwhile
PATIENCE = 5.0  # seconds that these requests can take
_PENDING = (Phase.PENDING, Phase.ACCEPTED)


async def status(context: Context, project: Project) -> tuple[ReplicaStatus, ...]:
    """The status of every replica that is desired or owned, in the order of the manifest; raises what `survey` does."""
    return (await survey(context, project)).rows


async def survey(context: Context, project: Project) -> ProjectStatus:
    """Observe a project once.

    Raises:
        StateError: the state cannot be read, or belongs to another project, server or account.
        ServerError: the server cannot be used.
    """
    situation, plan = await _observe_consistently(context, project)
    found = project_status(project, situation, plan)
    return replace(found, rows=await _with_events(context, project, found.rows))


async def recorded_status(location: StateLocation, project: Project, *, offline: str = "") -> ProjectStatus:
    """The status when the state was last written, without a request; raises `StateError` as `survey` does.

    `offline` is why the server is not asked.
    """
    situation = await offline_situation(location, project, PlanOptions())
    return replace(project_status(project, situation, offline_plan_from(project, situation)), offline=offline)


def project_status(project: Project, situation: Situation, plan: Plan) -> ProjectStatus:
    """The status that follows from a situation and the plan that was made from it."""
    order = {spec.key: index for index, spec in enumerate(project.sessions)}
    actions = sorted(plan.actions, key=lambda one: (order.get(one.key[0], len(order)), one.key))
    records = {record.key: record for record in situation.state.replicas}
    at = situation.observation.listing.at
    rows = tuple(_row(action, project.name, situation) for action in actions)
    return ProjectStatus(
        project=project.name,
        rows=rows,
        summary=project_summary(actions, Snapshot(records, at, situation.state.specs, project.max_active.project)),
        not_started=not_started(actions),
        exit_code=worst(map(code_of, actions)),
        document=situation.state,
        causes=shared_causes(
            ((row.name, row.cause) for row in rows),
            {one.record.name for one in actions if one.record and has_another_attempt(one, one.record)},
        ),
    )


async def _observe_consistently(context: Context, project: Project) -> tuple[Situation, Plan]:
    """An observation and its plan.

    An apply that works at the same time stores its intents before it creates sessions, but perhaps after the state was
    read here. Then its session would count as unmanaged, so state and listing are read again.
    """
    for _ in range(MOST_OBSERVATIONS):
        situation = await observe_project(context, project, PlanOptions())
        plan = make_plan(project, situation)
        if not any(action.kind is ActionKind.CONFLICT for action in plan.actions):
            break
        stored = await context.location.store(project.name).read()
        if stored is None or stored.serial == situation.state.serial:
            break
    return situation, plan


def _row(action: Action, project: str, situation: Situation) -> ReplicaStatus:
    record = action.record
    listing = situation.observation.listing
    live = listing.by_id.get(record.id) if record and record.id else None
    spec = action.desired.spec if action.desired else situation.state.specs.get(record.spec) if record else None
    return ReplicaStatus(
        project=project,
        session=action.session,
        replica=action.replica,
        name=record.name if record else action.name,
        phase=record.phase.value if record and action.kind is not ActionKind.DONE else action.kind.value,
        id=record.id if record else action.id,
        attempt=record.attempt if record else 0,
        started=record.started if record else None,
        ended=record.ended if record else None,
        action=action.kind.value,
        reason=action.reason,
        connect_url=live.connect_url if live else "",
        group=action.group,
        attempts=spec.retries + 1 if spec else 1,
        accepted=record.accepted if record else None,
        pending=_pending(record, listing.at),
        cause=cause_of_failure(record),
        ram=record.ram if record else None,
        used=peak_use(record, spec),
        progress=progress_word(action, record) if is_in_summary(action) else "",
        ended_after=ended_after(record),
    )


def _pending(record: ReplicaRecord | None, at: float) -> float | None:
    if record is None or record.phase not in _PENDING or record.accepted is None:
        return None
    return max(0.0, at - record.accepted)


async def _with_events(
    context: Context, project: Project, rows: tuple[ReplicaStatus, ...]
) -> tuple[ReplicaStatus, ...]:
    """The rows. A replica that has been pending for long has the last line of its events, if the server returns it."""
    late = [row for row in rows if row.id and row.pending is not None and row.pending > LONG]
    late = sorted(late, key=lambda row: -(row.pending or 0.0))[:MOST_EVENTS]
    found: dict[str, str] = {}

    async def ask(session_id: str) -> None:
        events = masked(await context.client.events(session_id) or "", project.secrets)
        found[session_id] = _last_line(events)

    if late:
        asking = [asyncio.ensure_future(ask(row.id)) for row in late if row.id]
        _, slow = await asyncio.wait(asking, timeout=PATIENCE)
        for one in slow:
            one.cancel()
        ended = await asyncio.gather(*asking, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception) and not isinstance(error, ServerError):
                raise error
    return tuple(replace(row, event=found.get(row.id or "", "")) for row in rows)


def _last_line(events: str) -> str:
    """The last event of a table, "" for an empty one."""
    lines = [line for line in events.splitlines() if line.strip() and line.strip() != "<none>"]
    return " ".join(lines[-1].split()) if lines[1:] else ""


def needing_attention(rows: Iterable[ReplicaStatus]) -> tuple[ReplicaStatus, ...]:
    """The rows that need attention: failed, unknown, in conflict, or pending for long."""
    bad = {ActionKind.FAILED.value, ActionKind.UNKNOWN.value, ActionKind.CONFLICT.value}
    return tuple(
        row
        for row in rows
        if row.action in bad or row.phase == Phase.UNKNOWN or (row.pending is not None and row.pending > LONG)
    )
