"""A change of `replicas` cuts the work anew; what that costs is said in plain words, beside what would cost nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.model.plan import ActionKind
from skaha_apply.model.session import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.plan import Action


@dataclass
class _Cost:
    """Shares that would be computed again: finished ones, running ones, and their core-hours."""

    finished: int = 0
    running: int = 0
    hours: float = 0.0
    bounded: bool = False


def notes(actions: Iterable[Action]) -> tuple[str, ...]:
    """One note for each session whose `replicas` change, where that throws work away.

    Args:
        actions: those in scope, with their losses.
    """
    costs: dict[tuple[str, int, int], _Cost] = {}
    for action in actions:
        cut = next((change for change in action.changes if change.path == "replicas"), None)
        again = action.held_back or action.kind is ActionKind.REPLACE
        if cut is None or not again or action.record is None or _is_interactive(action):
            continue
        cost = costs.setdefault((action.group or action.session, cut.before, cut.after), _Cost())
        cost.finished += action.record.phase is Phase.DONE
        cost.running += action.record.phase.active
        cost.hours += action.lost
        cost.bounded |= action.bounded and action.lost > 0
    return tuple(
        f"{name}: replicas {before} -> {after} cuts the work anew: {_shares(cost)} would be computed again "
        f"({'at most ' if cost.bounded else ''}{cost.hours:.1f} core-hours); "
        "to run more at once change parallelism, which costs nothing"
        for (name, before, after), cost in costs.items()
        if cost.finished or cost.running
    )


def _is_interactive(action: Action) -> bool:
    return action.desired is None or action.desired.spec.kind.interactive


def _shares(cost: _Cost) -> str:
    parts = [f"{number} {word}" for number, word in ((cost.finished, "finished"), (cost.running, "running")) if number]
    return f"{' and '.join(parts)} share{'s' if cost.finished + cost.running > 1 else ''}"
