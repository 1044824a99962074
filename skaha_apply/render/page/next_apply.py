"""What the next apply would do, and why replicas do not start."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from skaha_apply.model.plan import ActionKind
from skaha_apply.planning.failure_cause import cause_key
from skaha_apply.render.page.shown_text import shown
from skaha_apply.render.reasons import reason_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.report import NotStarted
    from skaha_apply.model.status import ProjectStatus

MOST_LINES = 60
_CHANGES = frozenset(kind.value for kind in ActionKind if kind.changes)


def next_apply(found: ProjectStatus) -> dict[str, list[dict[str, Any]]]:
    """`does`: the actions of the next apply by kind, entry and reason. `does_not`: who does not start, and why."""
    actions: dict[tuple[str, str, str], list[str]] = {}
    for row in found.rows:
        if row.action in _CHANGES:
            key = (row.action, shown(row.group or row.session), shown(reason_text(row.reason)))
            actions.setdefault(key, []).append(shown(row.name))
    does = [
        {"action": action, "entry": entry, "why": why, "count": len(names), "example": names[0]}
        for (action, entry, why), names in actions.items()
    ]
    return {"does": _largest(does), "does_not": _largest(_not_started(found.not_started))}


def _not_started(items: Sequence[NotStarted]) -> list[dict[str, Any]]:
    """One item for each entry and reason; reasons that differ in numbers and names only are one."""
    found: dict[tuple[str, str, str], list[NotStarted]] = {}
    for one in items:
        found.setdefault((one.kind, one.entry, cause_key(reason_text(one.reason))), []).append(one)
    return [
        {
            "action": kind,
            "entry": shown(entry),
            "why": shown(reason_text(members[0].reason) if len(members) == 1 else key),
            "count": sum(one.count for one in members),
            "example": shown(members[0].names[0]) if members[0].names else "",
        }
        for (kind, entry, key), members in found.items()
    ]


def _largest(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All items, or the largest ones and one for each kind of action that stands for the others."""
    if len(items) <= MOST_LINES:
        return items
    items = sorted(items, key=lambda one: -int(one["count"]))
    rest: Counter[str] = Counter()
    for one in items[MOST_LINES:]:
        rest[one["action"]] += one["count"]
    others = [
        {"action": kind, "entry": "", "why": "other reasons", "count": n, "example": ""} for kind, n in rest.items()
    ]
    return items[:MOST_LINES] + others
