"""The planner: it makes a plan from a project and a situation. It is pure: time and observations are arguments.

Each desired replica gets the action of the first row that fits (`decisions.decision_table`). Where an action creates a
session, the gates (`scheduling.gates`) can turn it into a conflict, a wait or a block. `decisions.removals` decides
about replicas that are in the state and not in the manifest. Then the plan is sorted, limited to the scope of the
invocation, and checked by the safety rules (`safety`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.plan import Plan
from skaha_apply.planning.archive import Archived, ArchiveNeeded
from skaha_apply.planning.decisions import removals, run_numbers
from skaha_apply.planning.decisions.decision_table import decide
from skaha_apply.planning.decisions.ordered_actions import OrderedActions, in_order, merged
from skaha_apply.planning.expansion import Expansion
from skaha_apply.planning.kept_decisions import KeptDecisions
from skaha_apply.planning.safety.account import check_account_of_plan
from skaha_apply.planning.safety.approval import ApprovedLines, differences
from skaha_apply.planning.safety.losses import add_losses, replica_count_notes
from skaha_apply.planning.safety.rules import check_safety
from skaha_apply.planning.scheduling.gates import apply_gates
from skaha_apply.planning.summary.core_hours import DUE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skaha_apply.model.plan import Action, DecidedEntry
    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import DesiredReplica, ReplicaKey
    from skaha_apply.model.state import StateDocument
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

    Raises:
        StateError: the plan changes something, and the account of the credential is not known.
        ArchiveNeeded: the state was read without its archive, and the plan needs records in the archive.
    """
    archived = archived_replicas(project, situation.state, situation.options)
    is_only, expansion = expansion is None, expansion or Expansion(project, archived)
    reruns = run_numbers.due_reruns(project, situation)
    desired = _desired_replicas(project, situation, expansion, reruns)
    kept = KeptDecisions(archived=archived) if is_only or not desired else expansion.kept
    positions = range(len(desired)) if is_only else kept.decided_now(situation)
    decided = [kept.repeated(position) or decide(desired[position], situation) for position in positions]
    decided = apply_gates(project, expansion.entries, decided, situation, kept)
    if archived is not None:
        _check_costs(decided, archived)
    removed = removals.decide_removals(project, situation, _removed_keys(situation, expansion if desired else None))
    decided_now = add_losses(project, [*decided, *removed], situation)
    options, earlier = situation.options, kept.actions
    ordered, kept_here = tuple(in_order(decided_now, options)), kept.count(options)
    draft = _Draft(
        ordered,
        OrderedActions(partial(merged, earlier, positions, decided_now, options)) if kept_here else ordered,
        kept_here,
        expansion.approved if desired and archived is None else ApprovedLines(()),
        None if options.limited or is_only else kept.by_entry,
        reruns,
        Counter() if archived is None else archived.by_entry,
    )
    if not is_only:
        kept.keep(positions, decided, situation)
    return _checked_plan(project, situation, draft)


def archived_replicas(project: Project, document: StateDocument, options: PlanOptions) -> Archived | None:
    """The archived replicas of a document, which get no action in a plan of the project; None if it has none.

    Raises:
        ArchiveNeeded: the options, the manifest or an open request are about single archived replicas.
    """
    archived = Archived.of(document, project)
    if archived is not None and (options.limited or options.destroying or options.approved is not None):
        raise ArchiveNeeded
    return archived


def _check_costs(actions: Sequence[Action], archived: Archived) -> None:
    """Raise `ArchiveNeeded` if the cost of an action that starts a session follows from archived run times."""
    for action in actions:
        if action.kind in DUE and action.desired is not None and action.desired.spec.entry_key in archived.ends:
            raise ArchiveNeeded


@dataclass(frozen=True)
class _Draft:
    """A plan before its safety checks.

    `decided_now` are the actions that this plan decided, `actions` those of all replicas, both in the order of a plan.
    `kept` is the number of the others.
    `desired_lines` are the lines of the digest for desired replicas. `decided_before` are the other replicas by entry;
    None if the plan is limited, or the only one. `reruns` are those of the plan. `archived` is the number of archived
    replicas by entry.
    """

    decided_now: tuple[Action, ...]
    actions: Sequence[Action]
    kept: int
    desired_lines: ApprovedLines
    decided_before: tuple[DecidedEntry, ...] | None
    reruns: Mapping[ReplicaKey, int]
    archived: Mapping[str, int]


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


def _checked_plan(project: Project, situation: Situation, draft: _Draft) -> Plan:
    decided_now = draft.decided_now
    lines = draft.desired_lines.and_actions(decided_now)
    safety = check_safety(project, decided_now, situation, kept=draft.kept + sum(draft.archived.values()))
    made = Plan(
        project=project.name,
        server=situation.server,
        actions=draft.actions,
        digest="" if draft.archived else lines.digest,
        refused=safety.refused,
        core_hours_lost=safety.core_hours_lost,
        lost_is_bound=safety.lost_is_bound,
        recomputed=safety.recomputed,
        new_state=situation.new_state,
        notes=(*situation.notes, *replica_count_notes(decided_now)),
        approved=() if draft.archived else lines.lines,
        destroys=situation.options.destroying,
        question=safety.question,
        newly_decided=decided_now,
        decided_before=draft.decided_before,
        reruns=draft.reruns,
        archived=draft.archived,
        stale=() if situation.options.approved is None else differences(situation.options.approved, lines.lines),
    )
    check_account_of_plan(made, situation)
    return made
