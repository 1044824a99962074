"""The safety rules: which plans the tool shows but does not carry out, and what they would lose."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.model.plan import Action, ActionKind
from skaha_apply.planning.safety.losses import is_finished_work

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.plan import Plan
    from skaha_apply.model.project import Project
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.planning.situation import Situation
    from skaha_apply.planning.working_state import WorkingState

MASS_SHARE = 0.30
MASS_LEAST = 10
MASS_DELETION_HINT = (
    "run apply again and check the plan; if the sessions had ended before the server removed them, "
    "run `skaha-apply mark complete`; apply --force creates them again"
)


@dataclass(frozen=True)
class SafetyResult:
    """The result of the safety rules for a plan."""

    refused: str | None
    core_hours_lost: float
    lost_is_bound: bool
    recomputed: int
    question: str = ""  # what a person must know before the approval


def check_safety(project: Project, actions: Sequence[Action], situation: Situation) -> SafetyResult:
    """Whether the plan is refused, why, and which option lifts the refusal."""
    working, options = situation.working_state, situation.options
    lost = sum(action.lost for action in actions)
    bound = any(action.lost_is_upper_bound and action.lost for action in actions)
    again = [action for action in actions if action.create_later or action.kind is ActionKind.REPLACE]
    recomputed = sum(is_finished_work(action, working) for action in again)
    reasons = [*_mass(actions, project, working, options), *_excess_loss(lost, options, bound=bound)]
    if options.force:
        reasons = []
    question = "" if options.destroying else _retired(actions)
    return SafetyResult("; ".join(reasons) or None, round(lost, 2), bound, recomputed, question)


def _retired(actions: Sequence[Action]) -> str:
    """A sentence if a large share of the known replicas left the manifest, else "".

    These replicas lose nothing, so no rule refuses the plan. But a list that was cut by accident has the same effect.
    """
    known = sum(action.record is not None for action in actions)
    retired = sum(action.kind is ActionKind.RETIRED for action in actions)
    if not _is_mass(retired, known):
        return ""
    return f"{retired} of {known} known replicas are no longer in the manifest."


def _mass(actions: Sequence[Action], project: Project, working: WorkingState, options: PlanOptions) -> Iterable[str]:
    if options.destroying:
        return
    deletes = sum(action.counts_as_mass and action.kind is ActionKind.DELETE for action in actions)
    again = sum(action.counts_as_mass and action.kind is ActionKind.CREATE for action in actions)
    emptied = tuple(_emptied(project, working, options))
    yield from emptied
    if deletes and not project.sessions and not emptied:
        way_out = "to delete them, run destroy, or apply --force"
        yield f"the manifest has no sessions, and {deletes} would be deleted; {way_out}"
        return
    owned = _owned(actions, working)
    if _is_mass(deletes + again, owned):
        parts = [f"{deletes} would be deleted because their manifest line was removed"] if deletes else []
        parts += [f"{again} would be created again because they disappeared"] if again else []
        yield f"of {owned} owned replicas {' and '.join(parts)}, more than {MASS_SHARE:.0%}; --force allows this"


def _excess_loss(lost: float, options: PlanOptions, *, bound: bool) -> Iterable[str]:
    if lost > options.allow_loss:
        most = "at most " if bound else ""
        yield (
            f"{most}{lost:.0f} core-hours would be lost, more than {options.allow_loss:g}; "
            f"--allow-loss {int(lost) + 1} allows this"
        )


def mass_deletion_during_wait(plan: Plan, working: WorkingState, options: PlanOptions) -> str | None:
    """Why a later pass of an approved wait is not allowed, else None.

    If a large share of the replicas disappeared meanwhile, somebody might have deleted them on purpose.
    """
    again = sum(action.counts_as_mass and action.kind is ActionKind.CREATE for action in plan.actions)
    owned = _owned(plan.actions, working)
    if options.force or not _is_mass(again, owned):
        return None
    return f"{again} of {owned} owned replicas disappeared, and would be created again without an approval"


def _owned(actions: Sequence[Action], working: WorkingState) -> int:
    return len(working.records) - sum(action.kind in (ActionKind.RETIRED, ActionKind.NOT_LOADED) for action in actions)


def _is_mass(number: int, owned: int) -> bool:
    return owned >= MASS_LEAST and number > MASS_SHARE * owned


def _emptied(project: Project, working: WorkingState, options: PlanOptions) -> Iterable[str]:
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
            yield (
                f"the list of {name} is empty, and the state has {number} of its replicas; restore the list, remove "
                "the replicas from the state with `state forget`, or continue with --force"
            )
