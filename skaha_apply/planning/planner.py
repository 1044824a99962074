"""The planner: it makes a plan from a project and a situation. It is pure: time and observations are arguments.

Each desired replica gets the action of the first row that fits (`decisions.decision_table`). Where an action creates a
session, the gates (`scheduling.gates`) can turn it into a conflict, a wait or a block. `decisions.removals` decides
about replicas that are in the state and not in the manifest. Then the plan is sorted, limited to the scope of the
invocation, and checked by the safety rules (`safety`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.plan import Action, ActionKind, Plan
from skaha_apply.planning.decisions import removals, run_numbers
from skaha_apply.planning.decisions.decision_table import decide
from skaha_apply.planning.expansion import Expansion
from skaha_apply.planning.kept_decisions import KeptDecisions
from skaha_apply.planning.safety.account import check_account_of_plan
from skaha_apply.planning.safety.approval import ApprovedLines, differences
from skaha_apply.planning.safety.losses import add_losses, replica_count_notes
from skaha_apply.planning.safety.rules import check_safety
from skaha_apply.planning.scheduling.gates import apply_gates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skaha_apply.model.plan import DecidedEntry
    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import DesiredReplica, ReplicaKey
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.planning.situation import Situation


OTHERS = ActionKind.CREATE.order  # the order of all actions but deletes and replaces


def plan(project: Project, situation: Situation, expansion: Expansion | None = None) -> Plan:
    """The plan of one project.

    Args:
        project: the desired sessions; the project passed the linter.
        situation: everything else that decides. With `destroying` in its options, the plan deletes owned sessions.
        expansion: the expansion of this project, if the caller plans it more than once.

    Returns:
        Every action, sorted, with the digest of the lines that a reviewer approves, and the refusal of the safety
        rules.

    Raises:
        StateError: the plan changes something, and the account of the credential is not known.
    """
    expansion = expansion or Expansion(project)
    reruns = run_numbers.due_reruns(project, situation)
    desired = _desired_replicas(project, situation, expansion, reruns)
    kept = expansion.kept if desired else KeptDecisions()
    positions = kept.decided_now(situation)
    decided = [decide(desired[position], situation) for position in positions]
    decided = apply_gates(project, expansion.entries, decided, situation, kept)
    removed = removals.decide_removals(project, situation, _removed_keys(situation, expansion if desired else None))
    decided_now = add_losses(project, [*decided, *removed], situation)
    ordered = tuple(_in_order(decided_now, situation.options))
    nothing_kept = len(positions) == len(kept.actions)
    draft = _Draft(
        ordered,
        ordered if nothing_kept else tuple(_merged(kept.actions, positions, decided_now, situation.options)),
        expansion.approved if desired else ApprovedLines(()),
        None if situation.options.limited else kept.by_entry,
        reruns,
    )
    kept.keep(positions, decided, situation)
    return _checked_plan(project, situation, draft)


@dataclass(frozen=True)
class _Draft:
    """A plan before its safety checks.

    `decided_now` are the actions that this plan decided, `actions` those of all replicas, both in the order of a plan.
    `desired_lines` are the lines of the digest for desired replicas. `decided_before` are the other replicas by entry;
    None if the plan is limited. `reruns` are those of the plan.
    """

    decided_now: tuple[Action, ...]
    actions: tuple[Action, ...]
    desired_lines: ApprovedLines
    decided_before: tuple[DecidedEntry, ...] | None
    reruns: Mapping[ReplicaKey, int]


def plan_destroy(project: Project, situation: Situation) -> Plan:
    """The plan that deletes active owned sessions. Protected sessions and the records of finished work stay."""
    return plan(project, replace(situation, options=replace(situation.options, destroying=True)))


def _removed_keys(situation: Situation, expansion: Expansion | None) -> frozenset[ReplicaKey]:
    """The replicas of the state that are not desired; all of them without an expansion."""
    working = situation.working_state
    if expansion is None:
        return frozenset(working.records) | working.intents.keys()
    return expansion.removed(working)


def _desired_replicas(
    project: Project, situation: Situation, expansion: Expansion, reruns: Mapping[ReplicaKey, int]
) -> tuple[DesiredReplica, ...]:
    if situation.options.destroying:
        return ()
    working = situation.working_state
    numbers = run_numbers.desired(working, reruns)
    return expansion.replicas(numbers, run_numbers.frozen_digests(working, project))


def _merged(
    kept: Sequence[Action | None], positions: Sequence[int], decided_now: Sequence[Action], options: PlanOptions
) -> list[Action]:
    """All actions in scope, in the order of a plan. Those of `decided_now` begin with the ones at `positions`."""
    merged = list(kept)
    if options.limited:
        merged = [action if action is not None and options.in_scope(action) else None for action in kept]
    first = [action for action in decided_now if action.kind.order < OTHERS]
    scoped = {id(action) for action in _in_scope(decided_now, options)}
    for position, action in zip(positions, decided_now, strict=False):
        merged[position] = action if action.kind.order == OTHERS and id(action) in scoped else None
    last = [action for action in decided_now[len(positions) :] if action.kind.order == OTHERS]
    return [*_in_order(first, options), *filter(None, merged), *_in_scope(last, options)]


def _in_order(actions: Iterable[Action], options: PlanOptions) -> list[Action]:
    """The actions in scope, in the order of a plan."""
    return sorted(_in_scope(actions, options), key=lambda action: action.kind.order)


def _in_scope(actions: Iterable[Action], options: PlanOptions) -> Iterable[Action]:
    """The actions in scope; `--target` and `--exclude` keep sessions whose manifest line was removed."""
    return [action for action in actions if _is_in_scope(action, options)] if options.limited else actions


def _is_in_scope(action: Action, options: PlanOptions) -> bool:
    removed = action.kind is ActionKind.DELETE and action.counts_as_mass
    return options.in_scope(action) and not removed


def _checked_plan(project: Project, situation: Situation, draft: _Draft) -> Plan:
    decided_now = draft.decided_now
    lines = draft.desired_lines.and_actions(decided_now)
    safety = check_safety(project, decided_now, situation, kept=len(draft.actions) - len(decided_now))
    made = Plan(
        project=project.name,
        server=situation.server,
        actions=draft.actions,
        digest=lines.digest,
        refused=safety.refused,
        core_hours_lost=safety.core_hours_lost,
        lost_is_bound=safety.lost_is_bound,
        recomputed=safety.recomputed,
        new_state=situation.new_state,
        notes=(*situation.notes, *replica_count_notes(decided_now)),
        approved=lines.lines,
        destroys=situation.options.destroying,
        question=safety.question,
        newly_decided=decided_now,
        decided_before=draft.decided_before,
        reruns=draft.reruns,
        stale=() if situation.options.approved is None else differences(situation.options.approved, lines.lines),
    )
    check_account_of_plan(made, situation)
    return made
