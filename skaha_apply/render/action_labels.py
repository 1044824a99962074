"""The one table of how each kind of action is shown: symbol, colour, and its words in a count and in a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.model.plan import ActionKind

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Look:
    """How a kind of action is shown: `count` follows a number in a plan, `past` one in a report."""

    symbol: str
    style: str
    count: str
    past: str


LOOKS: Mapping[ActionKind, Look] = {
    ActionKind.CREATE: Look("+", "green", "to create", "created"),
    ActionKind.REPLACE: Look("-/+", "yellow", "to replace", "replaced"),
    ActionKind.DELETE: Look("-", "red", "to delete", "deleted"),
    ActionKind.ADOPT: Look("=", "cyan", "to adopt", "adopted"),
    ActionKind.RENEW: Look("~", "cyan", "to renew", "renewed"),
    ActionKind.RETRY: Look("+", "green", "to retry", "retried"),
    ActionKind.WAIT: Look("*", "blue", "waiting", "waiting"),
    ActionKind.BLOCKED: Look("x", "magenta", "blocked", "blocked"),
    ActionKind.CONFLICT: Look("!", "bold red", "in conflict", "in conflict"),
    ActionKind.PROTECTED: Look("^", "magenta", "protected", "protected"),
    ActionKind.UNKNOWN: Look("?", "bold yellow", "unknown", "unknown"),
    ActionKind.FAILED: Look("!", "bold red", "failed", "failed"),
    ActionKind.DONE: Look(" ", "dim", "done", "done"),
    ActionKind.UNCHANGED: Look(" ", "dim", "unchanged", "unchanged"),
    ActionKind.RETIRED: Look(" ", "dim", "no longer in the manifest (their results are kept)", "retired"),
    ActionKind.NOT_LOADED: Look(" ", "dim", "not loaded", "not loaded"),
}
SYMBOL_WIDTH = max(len(look.symbol) for look in LOOKS.values())
_STANDING = frozenset(kind.value for kind in LOOKS)
HEADLINE = (ActionKind.CREATE, ActionKind.REPLACE, ActionKind.DELETE)  # counted even when there are none


def headline(summary: Mapping[str, int]) -> str:
    """`1 to create, 2 to replace, 0 to delete`."""
    return ", ".join(f"{summary.get(kind.value, 0)} {LOOKS[kind].count}" for kind in HEADLINE)


def others(summary: Mapping[str, int]) -> str:
    """The other counts that are not zero: `3 waiting, 96 unchanged`; "" without any."""
    rest = [kind for kind in ActionKind if kind not in HEADLINE]
    return ", ".join(f"{summary[kind.value]} {LOOKS[kind].count}" for kind in rest if summary.get(kind.value))


def past(applied: Mapping[str, int]) -> str:
    """What was carried out, in counts that are not zero: `2 created, 1 replaced`; "" without any."""
    return ", ".join(f"{applied[kind.value]} {LOOKS[kind].past}" for kind in ActionKind if applied.get(kind.value))


def many(count: int, noun: str) -> str:
    """`1 replica`, `2 replicas`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def standing(name: str) -> str:
    """A phase or a kind of action as it follows a number of replicas: `3 waiting`, `2 in conflict`, `5 running`."""
    return LOOKS[ActionKind(name)].count if name in _STANDING else name
