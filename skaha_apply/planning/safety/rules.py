"""The safety rules: which plans the tool shows but does not carry out, and what they would lose."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.plan import Action, ActionKind
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.planning.safety.losses import is_finished_work

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.plan import Plan
    from skaha_apply.model.project import Project
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.planning.situation import Situation
    from skaha_apply.planning.working_state import WorkingState

MASS_PERCENT = 30
MASS_LEAST = 10
MASS_DELETION_HINT = (
    "repeat the command, which shows the plan and asks again. If the sessions had finished their work, run "
    "`skaha-apply mark complete NAME` first. --force creates them again without a question"
)


@dataclass(frozen=True)
class SafetyResult:
    """The result of the safety rules for a plan."""

    refused: Reason | None
    core_hours_lost: float
    lost_is_bound: bool
    recomputed: int
    question: Reason | None = None  # what a person must know before the approval


def check_safety(project: Project, actions: Sequence[Action], situation: Situation, kept: int = 0) -> SafetyResult:
    """Whether the plan is refused, why, and which option lifts the refusal.

    `kept` counts the done replicas in scope that have no action in `actions`.
    """
    working, options = situation.working_state, situation.options
    lost = sum(action.lost for action in actions)
    bound = any(action.lost_is_upper_bound and action.lost for action in actions)
    again = [action for action in actions if action.create_later or action.kind is ActionKind.REPLACE]
    recomputed = sum(is_finished_work(action, working) for action in again)
    reasons = [*_mass(actions, project, working, options), *_excess_loss(lost, options, bound=bound)]
    if options.force:
        reasons = []
    question = None if options.destroying else _retired(actions, kept)
    return SafetyResult(Reason.joined(reasons), round(lost, 2), bound, recomputed, question)


def _retired(actions: Sequence[Action], kept: int) -> Reason | None:
    """A reason to ask if a large share of the known replicas left the manifest, else None.

    These replicas lose nothing, so no rule refuses the plan. But a list that was cut by accident has the same effect.
    """
    known = kept + sum(action.record is not None for action in actions)
    retired = sum(action.kind is ActionKind.RETIRED for action in actions)
    if not _is_mass(retired, known):
        return None
    return Reason(ReasonCode.MANY_RETIRED, retired=retired, known=known)


def _mass(actions: Sequence[Action], project: Project, working: WorkingState, options: PlanOptions) -> Iterable[Reason]:
    if options.destroying:
        return
    deletes = sum(action.counts_as_mass and action.kind is ActionKind.DELETE for action in actions)
    again = sum(action.counts_as_mass and action.kind is ActionKind.CREATE for action in actions)
    emptied = tuple(_emptied(project, working, options))
    yield from emptied
    if deletes and not project.sessions and not emptied:
        yield Reason(ReasonCode.MANIFEST_EMPTY, deletes=deletes)
        return
    owned = _owned(actions, working)
    if _is_mass(deletes + again, owned):
        yield Reason(ReasonCode.TOO_MANY_CHANGES, deletes=deletes, again=again, owned=owned, percent=MASS_PERCENT)


def _excess_loss(lost: float, options: PlanOptions, *, bound: bool) -> Iterable[Reason]:
    if lost > options.allow_loss:
        enough = int(lost) + 1
        yield Reason(ReasonCode.TOO_MUCH_LOST, lost=lost, bound=bound, allowed=options.allow_loss, enough=enough)


def mass_deletion_during_wait(plan: Plan, working: WorkingState, options: PlanOptions) -> Reason | None:
    """Why a later pass of an approved wait is not allowed, else None.

    If a large share of the replicas disappeared meanwhile, somebody might have deleted them on purpose.
    """
    again = sum(action.counts_as_mass and action.kind is ActionKind.CREATE for action in plan.decided_now)
    owned = _owned(plan.decided_now, working)
    if options.force or not _is_mass(again, owned):
        return None
    return Reason(ReasonCode.MANY_DISAPPEARED, again=again, owned=owned)


def _owned(actions: Sequence[Action], working: WorkingState) -> int:
    return working.replica_count - sum(action.kind in (ActionKind.RETIRED, ActionKind.NOT_LOADED) for action in actions)


def _is_mass(number: int, owned: int) -> bool:
    return owned >= MASS_LEAST and number * 100 > MASS_PERCENT * owned


def _emptied(project: Project, working: WorkingState, options: PlanOptions) -> Iterable[Reason]:
    """A reason for each entry with an empty list and recorded replicas that left the manifest: probably an accident.

    A combination that an `include` adds is still in the manifest, and does not count.
    """
    names = (*project.empty, *project.empty_lists)
    if not names or options.limited:
        return
    asked = {spec.key for spec in project.sessions}
    left = (record for key, record in working.records.items() if key[0] not in asked)
    known = Counter(working.specs[record.spec].entry_key for record in left)
    for name in names:
        if number := known[name.casefold()]:
            yield Reason(ReasonCode.LIST_EMPTY, entry=name, known=number)
