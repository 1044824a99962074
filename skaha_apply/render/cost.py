"""The cost of a plan in words: a text that covers only some of its replicas states for how many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted
from skaha_apply.model.progress.summary import PlannedCost
from skaha_apply.render.times import hours_text

if TYPE_CHECKING:
    from collections.abc import Sequence


def cost_text(cost: PlannedCost) -> str:
    """What the creates of a plan will use, as a sentence; "" if no median and no timeout is known."""
    parts = []
    if cost.expected_for:
        some = _for_some(cost.expected_for, cost)
        most = "at most " if cost.expected_is_upper_bound else ""
        parts.append(f"{most}about {hours_text(cost.expected)} core-hours{some} (median run time)")
    if cost.bounded:
        some, unit = _for_some(cost.bounded, cost), "" if parts else " core-hours"
        parts.append(f"at most {hours_text(cost.at_most)}{unit}{some} (timeout)")
    return f"Cost to come: {', '.join(parts)}." if parts else ""


def total_cost(costs: Sequence[PlannedCost]) -> PlannedCost:
    """The cost of several plans."""
    return PlannedCost(
        replicas=sum(one.replicas for one in costs),
        expected=sum(one.expected for one in costs),
        expected_for=sum(one.expected_for for one in costs),
        at_most=sum(one.at_most for one in costs),
        bounded=sum(one.bounded for one in costs),
        unknown=sum(one.unknown for one in costs),
        expected_is_upper_bound=any(one.expected_is_upper_bound for one in costs),
    )


def _for_some(count: int, cost: PlannedCost) -> str:
    return "" if count == cost.replicas else f" for {count} of {counted(cost.replicas, 'replica')}"
