"""The planner: it makes a plan from a project and a situation. It is pure: time and observations are arguments.

Each desired replica gets the action of the first row that fits (`decisions.decision_table`). Where an action creates a
session, the gates (`scheduling.gates`) can turn it into a conflict, a wait or a block. `decisions.removals` decides
about replicas that are in the state and not in the manifest. Then the plan is sorted, limited to the scope of the
invocation, and checked by the safety rules (`safety`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.model.plan import Action, ActionKind, Plan
from skaha_apply.planning.decisions import removals, run_numbers
from skaha_apply.planning.decisions.decision_table import decide
from skaha_apply.planning.replicas import Expansion
from skaha_apply.planning.safety.approval import approval_digest, approval_lines
from skaha_apply.planning.safety.losses import add_losses, replica_count_notes
from skaha_apply.planning.safety.rules import check_safety
from skaha_apply.planning.scheduling.gates import apply_gates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import DesiredReplica
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.planning.situation import Situation


def plan(project: Project, situation: Situation, expansion: Expansion | None = None) -> Plan:
    """The plan of one project.

    Args:
        project: the desired sessions; the project passed the linter.
        situation: everything else that decides. With `destroying` in its options, the plan deletes owned sessions.
        expansion: the expansion of this project, if the caller plans it more than once.

    Returns:
        Every action, sorted, with the digest of the lines that a reviewer approves, and the refusal of the safety
        rules.
    """
    desired = _desired_replicas(project, situation, expansion or Expansion(project))
    actions = apply_gates(project, [decide(replica, situation) for replica in desired], situation)
    actions += removals.decide_removals(project, situation, desired)
    actions = _in_order(add_losses(project, actions, situation), situation.options)
    return _checked_plan(project, situation, desired, actions)


def plan_destroy(project: Project, situation: Situation) -> Plan:
    """The plan that deletes active owned sessions. Protected sessions and the records of finished work stay."""
    return plan(project, replace(situation, options=replace(situation.options, destroying=True)))


def _desired_replicas(project: Project, situation: Situation, expansion: Expansion) -> tuple[DesiredReplica, ...]:
    if situation.options.destroying:
        return ()
    numbers = run_numbers.desired(project, situation)
    return expansion.replicas(numbers, run_numbers.frozen_digests(situation.working_state, project))


def _in_order(actions: Iterable[Action], options: PlanOptions) -> list[Action]:
    """The actions in scope, in the order of a plan."""
    return sorted(_in_scope(actions, options), key=lambda action: action.kind.order)


def _in_scope(actions: Iterable[Action], options: PlanOptions) -> Iterable[Action]:
    """The actions in scope; `--target` and `--exclude` keep sessions whose manifest line was removed."""
    for action in actions:
        removed = options.limited and action.kind is ActionKind.DELETE and action.counts_as_mass
        if options.in_scope(action) and not removed:
            yield action


def _checked_plan(
    project: Project, situation: Situation, desired: tuple[DesiredReplica, ...], actions: list[Action]
) -> Plan:
    lines = approval_lines(desired, actions)
    safety = check_safety(project, actions, situation)
    return Plan(
        project=project.name,
        server=situation.server,
        actions=tuple(actions),
        digest=approval_digest(lines),
        approved=lines,
        refused=safety.refused,
        core_hours_lost=safety.core_hours_lost,
        lost_is_bound=safety.lost_is_bound,
        recomputed=safety.recomputed,
        destroys=situation.options.destroying,
        question=safety.question,
        new_state=situation.new_state,
        notes=(*situation.notes, *replica_count_notes(actions)),
    )
