"""What runs again only because something that it needs is run again at the wish of the manifest: no loss.

`rerun: always` and an age renew a family; what needs it follows, and that is what was asked for. It is judged by whole
families: where anything needed was changed or is new, what follows it counts as lost as ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.plan import ActionKind
from skaha_apply.planning.families import Families

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.plan import Action
    from skaha_apply.model.spec import Project, ReplicaKey, SessionSpec


def followers(project: Project, actions: Sequence[Action]) -> frozenset[ReplicaKey]:
    """The replicas that are computed again for a rerun of what they need, and for no other reason."""
    if not any(_renews(spec) for spec in project.sessions):
        return frozenset()
    families = Families(project)
    edited = {
        action.desired.spec.family for action in actions if action.desired and (action.changes or not action.record)
    }
    renewed: set[str] = set()
    follows: set[str] = set()
    for family in families.in_order_of_need():
        needs = family.needs.keys()
        if needs & edited:
            edited.add(family.key)
        elif needs & renewed:
            follows.add(family.key)
        if family.key in follows or any(_renews(spec) for spec in family.specs):
            renewed.add(family.key)
    return frozenset(
        action.key
        for action in actions
        if action.desired and action.desired.spec.family in follows and not action.changes
        if action.held_back or action.kind is ActionKind.REPLACE
    )


def _renews(spec: SessionSpec) -> bool:
    return spec.rerun not in ("on-change", "never")
