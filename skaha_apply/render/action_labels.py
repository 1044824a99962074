"""The table of how each kind of action is shown: its symbol, its color, and its words in counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.plan import ActionKind

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ActionLabel:
    """How a kind of action is shown: `count` follows a number in a plan, `past` follows a number in a report."""

    symbol: str
    style: str
    count: str
    past: str


LABELS: Mapping[ActionKind, ActionLabel] = {
    ActionKind.CREATE: ActionLabel("+", "green", "to create", "created"),
    ActionKind.REPLACE: ActionLabel("-/+", "yellow", "to replace", "replaced"),
    ActionKind.DELETE: ActionLabel("-", "red", "to delete", "deleted"),
    ActionKind.ADOPT: ActionLabel("=", "cyan", "to adopt", "adopted"),
    ActionKind.RENEW: ActionLabel("~", "cyan", "to renew", "renewed"),
    ActionKind.RETRY: ActionLabel("+", "green", "to retry", "retried"),
    ActionKind.WAIT: ActionLabel("*", "blue", "waiting", "waiting"),
    ActionKind.BLOCKED: ActionLabel("x", "magenta", "blocked", "blocked"),
    ActionKind.CONFLICT: ActionLabel("!", "bold red", "in conflict", "in conflict"),
    ActionKind.PROTECTED: ActionLabel("^", "magenta", "protected", "protected"),
    ActionKind.UNKNOWN: ActionLabel("?", "bold yellow", "unknown", "unknown"),
    ActionKind.FAILED: ActionLabel("!", "bold red", "failed", "failed"),
    ActionKind.DONE: ActionLabel(" ", "dim", "done", "done"),
    ActionKind.UNCHANGED: ActionLabel(" ", "dim", "unchanged", "unchanged"),
    ActionKind.RETIRED: ActionLabel(" ", "dim", "no longer in the manifest (their results are kept)", "retired"),
    ActionKind.NOT_LOADED: ActionLabel(" ", "dim", "not loaded", "not loaded"),
}
SYMBOL_WIDTH = max(len(look.symbol) for look in LABELS.values())
_KINDS = frozenset(kind.value for kind in LABELS)
HEADLINE = (ActionKind.CREATE, ActionKind.REPLACE, ActionKind.DELETE)  # these counts are shown even if they are 0


def change_counts(summary: Mapping[str, int]) -> str:
    """`1 to create, 2 to replace, 0 to delete`."""
    return ", ".join(f"{summary.get(kind.value, 0)} {LABELS[kind].count}" for kind in HEADLINE)


def other_counts(summary: Mapping[str, int]) -> str:
    """The other counts above zero: `3 waiting, 96 unchanged`; "" if there is none."""
    return all_counts({name: count for name, count in summary.items() if ActionKind(name) not in HEADLINE})


def all_counts(summary: Mapping[str, int]) -> str:
    """The counts above zero: `3 to create, 1 to retry`; "" if there is none."""
    return ", ".join(f"{summary[kind.value]} {LABELS[kind].count}" for kind in ActionKind if summary.get(kind.value))


def applied_counts(applied: Mapping[str, int]) -> str:
    """The counts of executed actions: `2 created, 1 replaced`; "" if there is none."""
    return ", ".join(f"{applied[kind.value]} {LABELS[kind].past}" for kind in ActionKind if applied.get(kind.value))


def phase_label(name: str) -> str:
    """The words of a phase or a kind of action after a number of replicas: `waiting`, `in conflict`, `running`."""
    return LABELS[ActionKind(name)].count if name in _KINDS else name
