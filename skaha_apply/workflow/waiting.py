"""When a wait is over, and what to say of it meanwhile."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.model.plan import ActionKind
from skaha_apply.model.session import Phase
from skaha_apply.planning.approval import approval_line, needs_approval

if TYPE_CHECKING:
    from skaha_apply.model.plan import Action
    from skaha_apply.workflow.run import Run


def ended(run: Run) -> bool:
    """Whether the wait that the user asked for is over.

    `ready`: every session created in this call is Running or has ended. `complete`: nothing is active and nothing can
    become due any more; what only waits for something that will not come is not waited for.
    """
    if run.options.wait == "none" or run.plan is None:
        return True
    if run.options.wait == "ready":
        return _ready(run)
    return not any(_moving(action, run) for action in run.plan.actions)


def _ready(run: Run) -> bool:
    records = run.document.replicas if run.document else ()
    waited_for = [record.phase for record in records if record.id in run.created]
    return not any(phase.active and phase is not Phase.RUNNING for phase in waited_for)


def _moving(action: Action, run: Run) -> bool:
    """Whether an action of the last plan can still lead to something."""
    if action.kind.changes:
        return (action.name, action.kind.value) not in run.failures and not _unapproved(action, run)
    if action.kind is ActionKind.WAIT:
        return not action.hangs
    if action.kind is not ActionKind.UNCHANGED or action.record is None or not action.record.phase.active:
        return False
    interactive = action.desired is not None and action.desired.spec.kind.interactive
    return not (interactive and action.record.phase is Phase.RUNNING)


def _unapproved(action: Action, run: Run) -> bool:
    if run.approved is None or run.approved is run.plan or not needs_approval(action):
        return False
    waited = any(one.key == action.key and one.kind is ActionKind.WAIT for one in run.approved.actions)
    return approval_line(action) not in run.approved.approved and not (waited and not action.victims)


def counts(run: Run) -> dict[str, int]:
    """How many replicas in scope stand where; those without a session by what the plan says of them."""
    known = {record.key: record for record in run.document.replicas} if run.document else {}
    found: Counter[str] = Counter()
    for action in run.plan.actions if run.plan else ():
        if action.desired is None:
            continue
        record = known.get(action.key)
        settled = action.kind in (ActionKind.WAIT, ActionKind.BLOCKED, ActionKind.CONFLICT)
        found[action.kind.value if settled or record is None else record.phase.value] += 1
    return dict(found)


def reasons(run: Run) -> tuple[str, ...]:
    """Why what waits is waiting, each reason once."""
    kinds = (ActionKind.WAIT, ActionKind.BLOCKED, ActionKind.CONFLICT)
    waiting = [action for action in run.plan.actions if action.kind in kinds] if run.plan else []
    return tuple(dict.fromkeys(f"{action.session}: {action.reason}" for action in waiting))
