"""The group of each replica in the order of the manifest: what a strip or a grid draws of an entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.plan import ActionKind
from skaha_apply.model.progress.summary import ProgressGroup, group_of
from skaha_apply.planning.summary.entry_summaries import is_in_summary, progress_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.planning.summary.entry_summaries import Snapshot


def plan_grid(plan: Plan, snapshot: Snapshot, sessions: Iterable[SessionSpec]) -> Mapping[str, Sequence[ProgressGroup]]:
    """The groups of the replicas of each entry, by its name in lower case.

    It looks at every replica, so a view asks for it only if it draws the grid.

    Args:
        plan: the last plan.
        snapshot: the records after what was carried out of the plan.
        sessions: the session specs in the order of the manifest.
    """
    found: dict[str, list[ProgressGroup]] = {}
    for action in in_manifest_order(plan.actions, sessions):
        if is_in_summary(action):
            label = (action.group or action.session).casefold()
            found.setdefault(label, []).append(_group(action, snapshot))
    return found


def in_manifest_order(actions: Sequence[Action], sessions: Iterable[SessionSpec]) -> Sequence[Action]:
    """The actions of a plan in the order of the manifest.

    A plan begins with deletes and replaces. All others are in this order already.
    """
    if not any(action.kind.is_early for action in actions):
        return actions
    places = {spec.key: place for place, spec in enumerate(sessions)}
    return sorted(actions, key=lambda one: (places.get(one.key[0], len(places)), one.key))


def _group(action: Action, snapshot: Snapshot) -> ProgressGroup:
    if action.kind is ActionKind.DONE:
        return ProgressGroup.DONE
    return group_of(progress_word(action, snapshot.record(action)))
