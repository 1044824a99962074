"""The losses of a plan: active work that it ends, and finished work that will run again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.plan import Action, ActionKind
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.model.session import Phase
from skaha_apply.planning.entries import Entries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.plan import Action
    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import ReplicaKey, SessionSpec
    from skaha_apply.planning.situation import Situation
    from skaha_apply.planning.working_state import WorkingState


def add_losses(project: Project, actions: Sequence[Action], situation: Situation) -> list[Action]:
    """The actions, each with the core-hours that it loses.

    A loss is an active replica that is deleted or replaced, or a finished one that runs again. It is the elapsed time
    multiplied by the cores. The time starts at startTime, or else at the acceptance. It ends now, or when the end was
    first seen. The cores are those of the spec, or else the defaultRequest of /context. A session that times out is not
    a loss. A replica that runs again only because a dependency has `rerun` is not a loss either.
    """
    excepted = caused_by_rerun(project, actions)
    return [
        action if action.record is None or action.key in excepted else _with_loss(action, situation)
        for action in actions
    ]


def _with_loss(action: Action, situation: Situation) -> Action:
    record, working = action.record, situation.working_state
    needless = not all(to_delete.why.needs_approval for to_delete in action.sessions_to_delete)
    loses = action.create_later or action.kind in (ActionKind.DELETE, ActionKind.REPLACE)
    if record is None or needless or not loses:
        return action
    active, finished = record.phase.active, is_finished_work(action, working)
    begun = record.started or record.accepted
    if begun is None or not (active or finished):
        return action
    end = (record.ended or begun) if finished else situation.now
    spec = working.specs[record.spec]
    cores = spec.cores if spec.cores is not None else situation.offer.default_cores
    hours = max(0.0, end - begun) / 3600 * cores
    return replace(action, lost=hours, lost_is_upper_bound=finished or record.started is None)


def is_finished_work(action: Action, working: WorkingState) -> bool:
    """Whether the replica of an action has finished its work; an interactive session never has."""
    record = action.record
    return record is not None and record.phase is Phase.DONE and not working.specs[record.spec].kind.interactive


def caused_by_rerun(project: Project, actions: Sequence[Action]) -> frozenset[ReplicaKey]:
    """The replicas that run again only because a dependency reruns."""
    if not any(map(_renews, project.rerun_specs)):
        return frozenset()
    entries = Entries(project)
    edited = {
        action.desired.spec.entry_key for action in actions if action.desired and (action.changes or not action.record)
    }
    renewed: set[str] = set()
    follows: set[str] = set()
    for entry in entries.in_order_of_need():
        needs = entry.needs.keys()
        if needs & edited:
            edited.add(entry.key)
        elif needs & renewed:
            follows.add(entry.key)
        if entry.key in follows or any(_renews(spec) for spec in entry.specs):
            renewed.add(entry.key)
    return frozenset(
        action.key
        for action in actions
        if action.desired and action.desired.spec.entry_key in follows and not action.changes
        if action.create_later or action.kind is ActionKind.REPLACE
    )


def _renews(spec: SessionSpec) -> bool:
    return spec.rerun not in ("on-change", "never")


@dataclass
class _Cost:
    """The finished and the running shares that would be computed again, and their core-hours."""

    finished: int = 0
    running: int = 0
    hours: float = 0.0
    lost_is_upper_bound: bool = False


def replica_count_notes(actions: Iterable[Action]) -> tuple[Reason, ...]:
    """One note for each entry whose `replicas` changes, if that loses work.

    Args:
        actions: the actions in scope, with their losses.
    """
    costs: dict[tuple[str, int, int], _Cost] = {}
    for action in actions:
        if not action.changes:
            continue
        cut = next((change for change in action.changes if change.path == "replicas"), None)
        is_created_again = action.create_later or action.kind is ActionKind.REPLACE
        if cut is None or not is_created_again or action.record is None or _is_interactive(action):
            continue
        cost = costs.setdefault((action.group or action.session, cut.before, cut.after), _Cost())
        cost.finished += action.record.phase is Phase.DONE
        cost.running += action.record.phase.active
        cost.hours += action.lost
        cost.lost_is_upper_bound |= action.lost_is_upper_bound and action.lost > 0
    return tuple(
        Reason(
            ReasonCode.REPLICAS_CHANGED,
            entry=name,
            before=before,
            after=after,
            finished=cost.finished,
            running=cost.running,
            hours=cost.hours,
            bound=cost.lost_is_upper_bound,
        )
        for (name, before, after), cost in costs.items()
        if cost.finished or cost.running
    )


def _is_interactive(action: Action) -> bool:
    return action.desired is None or action.desired.spec.kind.interactive
