"""Replicas that share their action, reason and changes become one line: `reduce [1-37,39-100]`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.render.printable import line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.plan import Action, ActionKind, Change

_PIECES = 12  # ranges that a label shows
# Numbers, and what may be a session id: eight characters, the first a letter [RandomStringGenerator].
_VARIES = re.compile(r"(\d+|\b[a-z][a-z0-9]{7}\b)")


@dataclass(frozen=True)
class Group:
    """Actions of one session that read the same; `reason` has ranges and `…` where theirs differ in numbers or ids."""

    actions: tuple[Action, ...]
    reason: str

    @property
    def kind(self) -> ActionKind:
        """The kind of all of them."""
        return self.actions[0].kind

    @property
    def changes(self) -> tuple[Change, ...]:
        """The changes of all of them."""
        return self.actions[0].changes

    @property
    def label(self) -> str:
        """`reduce [1-37,39-100]`, the bare name of a session without replicas, with the id of a single one."""
        first = self.actions[0]
        label = line(first.session)
        if first.replicas > 1 or len(self.actions) > 1 or first.replica > 1:
            label += f" [{spans([action.replica for action in self.actions])}]"
        return f"{label} ({line(first.id)})" if len(self.actions) == 1 and first.id else label


def grouped(actions: Iterable[Action]) -> list[Group]:
    """The groups of some actions, in the order in which each first appears."""
    found: dict[tuple[object, ...], list[Action]] = {}
    skeletons: dict[str, str] = {}
    prints: dict[int, str] = {}
    for action in actions:
        if action.reason not in skeletons:
            skeletons[action.reason] = skeleton(action.reason)
        if id(action.changes) not in prints:
            prints[id(action.changes)] = repr(action.changes)
        key = (action.kind, action.session, action.held_back, skeletons[action.reason], prints[id(action.changes)])
        found.setdefault(key, []).append(action)
    return [Group(tuple(same), _shared([action.reason for action in same])) for same in found.values()]


def skeleton(reason: str) -> str:
    """A reason without its numbers and what may be a session's id."""
    return _VARIES.sub("\0", reason)


def spans(replicas: Sequence[int]) -> str:
    """`1-37,39-100`; beyond a dozen ranges only the first ones, and how many replicas there are in all."""
    pieces: list[tuple[int, int]] = []
    for replica in sorted(set(replicas)):
        if pieces and replica == pieces[-1][1] + 1:
            pieces[-1] = (pieces[-1][0], replica)
        else:
            pieces.append((replica, replica))
    shown = [f"{low}" if low == high else f"{low}-{high}" for low, high in pieces[:_PIECES]]
    more = f",… {len(set(replicas))} in all" if len(pieces) > _PIECES else ""
    return ",".join(shown) + more


def _shared(reasons: Sequence[str]) -> str:
    """What reasons of one skeleton have in common: numbers that differ as their range, ids that differ as `…`."""
    different = sorted(set(reasons))
    if len(different) == 1:
        return different[0]
    columns = zip(*(_VARIES.split(reason) for reason in different), strict=True)
    return "".join(_column(set(column)) for column in columns)


def _column(parts: set[str]) -> str:
    if len(parts) == 1:
        return parts.pop()
    if all(part.isdigit() for part in parts):
        numbers = sorted(int(part) for part in parts)
        return f"{numbers[0]}-{numbers[-1]}"
    return "…"
