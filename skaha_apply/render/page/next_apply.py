"""What the next apply would do, and why replicas do not start."""

from __future__ import annotations

from collections import Counter
from shlex import quote
from typing import TYPE_CHECKING, Any

from skaha_apply.model.plan import ActionKind
from skaha_apply.model.reasons import ReasonCode
from skaha_apply.planning.failure_cause import cause_key
from skaha_apply.render.page.shown_text import shown
from skaha_apply.render.page.words import reason_and_share
from skaha_apply.render.reasons import reason_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skaha_apply.model.reasons import Reason
    from skaha_apply.model.report import NotStarted
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.status import ProjectStatus

MOST_LINES = 60
MOST_LIMITS = 3
_CHANGES = frozenset(kind.value for kind in ActionKind if kind.changes)
_LIMITS = frozenset({ReasonCode.ACCOUNT_FULL, ReasonCode.INTERACTIVE_FULL})


def next_apply(found: ProjectStatus, specs: Mapping[str, SessionSpec], rerun: str = "") -> dict[str, list[Any]]:
    """`does`: its actions by kind, entry and reason. `does_not`: which replicas do not start, and why.

    `full` states the limits that keep replicas from starting. `specs` are the first ones of each entry, by entry key.
    `rerun` is the command that marks `REPLICA`; an entry that its failure limit stopped has it as `command`.
    """
    actions: dict[tuple[str, str, str], list[str]] = {}
    for row in found.rows:
        if row.action in _CHANGES:
            key = (row.action, shown(row.group or row.session), shown(reason_text(row.reason)))
            actions.setdefault(key, []).append(shown(row.name))
    does = [
        {"action": action, "entry": entry, "why": why, "count": len(names), "example": names[0]}
        for (action, entry, why), names in actions.items()
    ]
    not_started = _not_started(found.not_started, specs, rerun)
    return {"does": _largest(does), "does_not": _largest(not_started), "full": _full(found.not_started)}


def _full(items: Iterable[NotStarted]) -> list[str]:
    """`40 of 40 slots of tile-${tile} are taken` for each limit that is reached, once."""
    found: dict[str, None] = {}
    for one in items:
        given = dict(one.reason.arguments)
        if one.reason.code is ReasonCode.PARALLELISM_FULL:
            found[f"{given['limit']} of {given['limit']} slots of {shown(str(given['entry']))} are taken"] = None
        elif one.reason.code is ReasonCode.PROJECT_FULL:
            found[f"{given['limit']} of {given['limit']} slots of the project are taken"] = None
        elif one.reason.code in _LIMITS:
            found[shown(reason_text(one.reason))] = None
    return list(found)[:MOST_LIMITS]


def _not_started(items: Sequence[NotStarted], specs: Mapping[str, SessionSpec], rerun: str) -> list[dict[str, Any]]:
    """One item for each entry and reason; reasons that differ in numbers and names only are one."""
    found: dict[tuple[str, str, str], list[NotStarted]] = {}
    for one in items:
        text = reason_and_share(one.reason, specs.get(one.entry.casefold()))
        found.setdefault((one.kind, one.entry, cause_key(text)), []).append(one)
    return [
        {
            "action": kind,
            "entry": shown(entry),
            "why": shown(
                reason_and_share(members[0].reason, specs.get(entry.casefold())) if len(members) == 1 else key
            ),
            "count": sum(one.count for one in members),
            "example": shown(members[0].names[0]) if members[0].names else "",
            **_command(members[0].reason, rerun),
        }
        for (kind, entry, key), members in found.items()
    ]


def _command(reason: Reason, rerun: str) -> dict[str, str]:
    """The command that marks the failed replicas of an entry that its failure limit stopped."""
    if reason.code is not ReasonCode.FAILURE_LIMIT or not rerun:
        return {}
    entry = quote(shown(str(dict(reason.arguments)["entry"])))
    return {"command": rerun.replace("REPLICA", f"{entry} --phase failed", 1)}


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
