"""Where every replica of a project stands, seen from outside: takes no lock, writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.planning.options import PlanOptions
from skaha_apply.workflow.observe import look, plan_from

if TYPE_CHECKING:
    from skaha_apply.model.plan import Action
    from skaha_apply.model.session import Listing
    from skaha_apply.model.spec import Project
    from skaha_apply.workflow.world import World


@dataclass(frozen=True)
class StatusRow:
    """One replica. Times are Unix seconds by the server's clock; `action` is what a plan says of it."""

    project: str
    session: str
    replica: int
    name: str
    phase: str
    id: str | None
    attempt: int
    started: float | None
    ended: float | None
    action: str
    reason: str
    connect_url: str = ""


async def status(world: World, project: Project) -> tuple[StatusRow, ...]:
    """A row for every replica that is desired or owned, in the order of the manifest.

    Raises:
        StateError: for a state that cannot be read, or belongs to another project, server or account.
        ServerError: when the server cannot be asked.
    """
    sight = await look(world, project)
    plan = plan_from(world, project, PlanOptions(), sight)
    order = {spec.key: index for index, spec in enumerate(project.sessions)}
    actions = sorted(plan.actions, key=lambda one: (order.get(one.key[0], len(order)), one.key))
    return tuple(_row(action, project.name, sight.seen.listing) for action in actions)


def _row(action: Action, project: str, listing: Listing) -> StatusRow:
    record = action.record
    live = listing.by_id.get(record.id) if record and record.id else None
    return StatusRow(
        project=project,
        session=action.session,
        replica=action.replica,
        name=record.name if record else action.name,
        phase=record.phase.value if record else action.kind.value,
        id=record.id if record else action.id,
        attempt=record.attempt if record else 0,
        started=record.started if record else None,
        ended=record.ended if record else None,
        action=action.kind.value,
        reason=action.reason,
        connect_url=live.connect_url if live else "",
    )
