"""A plan from the state alone: no server is asked, no credential is read. It shows what a manifest would change."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from skaha_apply.model.session import Listing, Observation
from skaha_apply.planning.observe import Absorbed
from skaha_apply.planning.options import Facts
from skaha_apply.planning.planner import plan as make_plan
from skaha_apply.workflow.binding import check_server, check_store, new_document

if TYPE_CHECKING:
    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.spec import Project
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.workflow.world import Place


async def plan_offline(place: Place, project: Project, options: PlanOptions) -> Plan:
    """The plan of one project as of the last write of its state: what was active then is taken to be so still.

    The time of that write is also the plan's own, or else everything that ran then would seem to run ever since.

    Raises:
        StateError: for a state that cannot be read, or belongs to another project or server.
    """
    check_store(place, project)
    stored = await place.store(project.name).read()
    document = stored or new_document(project.name, place.server)
    check_server(document, project.name, place.server)
    then = document.written or time.time()
    files = {spec.file for spec in document.specs.values()}
    facts = Facts(
        seen=Observation(Listing((), then, then), found=then, whole=False),
        server=place.url or place.server,
        settle=place.setting.settle,
        present=frozenset(file for file in files if file and file != "-" and (place.root / file).exists()),
        new_state=stored is None,
        notes=(_remark(None if stored is None else then),),
    )
    made = make_plan(project, Absorbed(document, frozenset()), facts, options)
    return replace(made, offline=True, actions=tuple(map(_without_server, made.actions)))


def _remark(written: float | None) -> str:
    """What has to be said of such a plan; `written` is when the state was last written, None without one."""
    unknown = "what the server has now is not known"
    if written is None:
        return f"offline: there is no state to compare with, and {unknown}"
    moment = datetime.fromtimestamp(written, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"offline: compared with the state alone, as it was written at {moment}; {unknown}"


def _without_server(action: Action) -> Action:
    """What the state does not know may be live all the same, under a stranger's name."""
    return replace(action, reason="not in the state") if action.reason == "not in the state and not live" else action
