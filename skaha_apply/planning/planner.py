"""The planner: (desired, state, live, options) -> plan. Pure, and the half of the decision table that decides.

Each desired replica gets the action of the first row that fits (`rows`), then, where that would create something, the
gates (`gates`) may turn it into a conflict, a wait or a block. What the state holds beyond the manifest is judged by
`removal`. The result is sorted, filtered to the scope of the call, and judged by the safety rules (`safety`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.model.plan import Action, ActionKind, Plan
from skaha_apply.planning.decisions import reruns, undesired
from skaha_apply.planning.decisions.desired import desired as decide
from skaha_apply.planning.replicas import Expansion
from skaha_apply.planning.safety import losses
from skaha_apply.planning.safety.approval import approval_digest, approval_lines
from skaha_apply.planning.safety.losses import with_losses
from skaha_apply.planning.safety.rules import judge
from skaha_apply.planning.scheduling import gates
from skaha_apply.planning.situation import Sight
from skaha_apply.planning.tracking.unconfirmed_creates import doubles, leftovers
from skaha_apply.planning.working_state import WorkingState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import DesiredReplica
    from skaha_apply.planning.options import Facts, PlanOptions
    from skaha_apply.planning.tracking.update import Absorbed

_ORDER = {ActionKind.DELETE: 0, ActionKind.REPLACE: 1}


def plan(
    project: Project, absorbed: Absorbed, facts: Facts, options: PlanOptions, expansion: Expansion | None = None
) -> Plan:
    """The plan of one project.

    Args:
        project: what should exist; it passed the linter.
        absorbed: the state after this look at the server.
        facts: the look itself, and what else is known of the world.
        options: what the user asked for.
        expansion: that of this project, where it is planned more than once.

    Returns:
        Every action, sorted, with the digest of what a reviewer approves and the refusal of the safety rules.
    """
    book = WorkingState.open(absorbed.state)
    numbers, kept = reruns.wanted(book, project, facts, options), reruns.kept(book, project)
    desired = (expansion or Expansion(project)).replicas(numbers, kept)
    sight = Sight(book, facts, options, absorbed.adopted)
    actions = gates.passed(project, [decide(replica, sight) for replica in desired], sight)
    ground = undesired.Ground.of(book, facts, project)
    actions += [undesired.removed(owned, project) for owned in _undesired(ground, desired)]
    return _assemble(project, book, facts, options, (desired, actions))


def plan_destroy(project: Project, absorbed: Absorbed, facts: Facts, options: PlanOptions) -> Plan:
    """The plan that deletes what is live and owned; protected replicas stay, the memory of what is done is kept."""
    book = WorkingState.open(absorbed.state)
    actions = [undesired.destroyed(owned) for owned in _undesired(undesired.Ground.of(book, facts, project), ())]
    return _assemble(project, book, facts, replace(options, destroying=True), ((), actions))


def _assemble(
    project: Project,
    book: WorkingState,
    facts: Facts,
    options: PlanOptions,
    judged: tuple[tuple[DesiredReplica, ...], list[Action]],
) -> Plan:
    desired, actions = judged
    actions = [*actions, *_surplus(book, facts)]
    actions = with_losses(actions, book, facts, losses.followers(project, actions))
    ordered = sorted(_scoped(actions, options), key=lambda action: _ORDER.get(action.kind, 2))
    lines = approval_lines(desired, ordered)
    verdict = judge(ordered, project, book, options)
    return Plan(
        project=project.name,
        server=facts.server,
        actions=tuple(ordered),
        digest=approval_digest(lines),
        approved=lines,
        refused=verdict.refused,
        core_hours_lost=verdict.core_hours_lost,
        lost_is_bound=verdict.lost_is_bound,
        recomputed=verdict.recomputed,
        destroys=options.destroying,
        question=verdict.question,
        new_state=facts.new_state,
        notes=(*facts.notes, *losses.notes(ordered)),
    )


def _undesired(ground: undesired.Ground, desired: tuple[DesiredReplica, ...]) -> list[undesired.Owned]:
    """What the state holds beyond the manifest: records, and replicas that so far are an open intent only."""
    wanted = {replica.key for replica in desired}
    known = {**ground.book.intents, **ground.book.records}
    return [undesired.Owned(ground, key) for key in sorted(known) if key not in wanted]


def _surplus(book: WorkingState, facts: Facts) -> list[Action]:
    """Sessions of ours beyond the one of each replica: left by unsure creates, or taken for gone too early."""
    late = [
        undesired.leftover(record, session, book)
        for _, record in sorted(book.records.items())
        for session in leftovers(book, record, facts.seen)
    ]
    return late + [
        undesired.surplus(doubt, session, book)
        for _, doubt in sorted(book.doubts.items())
        if doubt.key not in book.intents
        for session in doubles(book, doubt, facts.seen)
    ]


def _scoped(actions: Iterable[Action], options: PlanOptions) -> list[Action]:
    """The actions in scope; with `--target` or `--exclude` nothing is deleted for want of a manifest line."""
    return [
        action
        for action in actions
        if options.in_scope(action) and not (options.limited and action.kind is ActionKind.DELETE and action.unloved)
    ]
