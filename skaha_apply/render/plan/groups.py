"""Actions that read the same become one line: replicas as `reduce [1-37,39-100]`, a matrix as `tile-${tile}`."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from skaha_apply.render.printable import one_line
from skaha_apply.render.reasons import reason_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skaha_apply.model.plan import Action, ActionKind, Change
    from skaha_apply.model.reasons import Reason

    Skeleton = tuple[str, ...]

_PIECES = 12  # ranges that a label shows
_NAMED = 3  # combinations of a matrix that a label names; of more the first and the last
_ALIKE = 3  # lines of one entry and kind that stay apart though only a combination's own values differ in them
# Numbers, and what may be a session id: eight characters, the first a letter [RandomStringGenerator].
_VARIES = re.compile(r"(\d+|\b[a-z][a-z0-9]{7}\b)")
_FOREIGN = re.compile(r"[^a-z0-9-]")
_REFERENCE = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True)
class ActionGroup:
    """Actions that read the same, of one session or of one matrix.

    `reason` has ranges and `…` where theirs differ in numbers or ids, `changes` are those of all of them; where they
    differ in the values of a combination alone, both have `${axis}` in their place. `total` is how many replicas of the
    same entry a plan holds.
    """

    actions: tuple[Action, ...]
    reason: str
    changes: tuple[Change, ...] = ()
    total: int = 0

    @property
    def kind(self) -> ActionKind:
        """The kind of all of them."""
        return self.actions[0].kind

    @cached_property
    def combinations(self) -> tuple[str, ...]:
        """What tells the names of its sessions apart, in their order: `t0001` of `tile-t0001`."""
        first = self.actions[0]
        return tuple(_combination(name, first.group) for name in dict.fromkeys(one.session for one in self.actions))

    @property
    def label(self) -> str:
        """`reduce [1-37,39-100]`, the bare name of a session without replicas, with the id of a single one.

        Of a matrix `tile-${tile}  4,990 of 5,000  (t0001 … t4999)`.
        """
        first = self.actions[0]
        if first.group and len(self.combinations) > 1:
            counts = f"{len(self.actions):,} of {self.total:,}"
            return f"{one_line(first.group)}  {counts}  ({one_line(_some_combinations(self.combinations))})"
        label = one_line(first.session)
        if first.replicas > 1 or len(self.actions) > 1 or first.replica > 1:
            label += f" [{replica_ranges([action.replica for action in self.actions])}]"
        return f"{label} ({one_line(first.id)})" if len(self.actions) == 1 and first.id else label


def grouped(actions: Iterable[Action], totals: Mapping[str, int] | None = None) -> list[ActionGroup]:
    """The groups of some actions, in the order in which each first appears.

    Args:
        actions: what is shown of a plan.
        totals: how many replicas each matrix has in that plan, by its name as written.
    """
    counts = totals or {}
    lines = _Lines()
    found: dict[tuple[object, ...], list[Action]] = {}
    for action in actions:
        found.setdefault((*_entry(action), *lines.key(action)), []).append(action)
    many = Counter(_entry(same[0]) for same in found.values())
    merged: dict[tuple[object, ...], list[Action]] = {}
    for key, same in found.items():
        if same[0].group and many[_entry(same[0])] > _ALIKE:
            for action in map(_with_references, same):
                merged.setdefault((*_entry(action), *lines.key(action)), []).append(action)
        else:
            merged[key] = same
    return [_group(same, counts.get(same[0].group, 0)) for same in merged.values()]


def totals(actions: Iterable[Action]) -> Counter[str]:
    """How many replicas each matrix has, by its name as written."""
    return Counter(action.group for action in actions if action.group)


def entry_name(action: Action) -> str:
    """The name of an action's entry as the manifest has it."""
    return action.group or action.session


def _entry(action: Action) -> tuple[object, ...]:
    return (action.kind, entry_name(action), action.held_back)


class _Lines:
    """What has to be equal for two actions of an entry to share a line; each reason and each change is read once."""

    def __init__(self) -> None:
        self._skeletons: dict[Reason, Skeleton] = {}
        self._prints: dict[int, tuple[object, str]] = {}

    def key(self, action: Action) -> tuple[Skeleton, str]:
        if action.reason not in self._skeletons:
            self._skeletons[action.reason] = skeleton(action.reason)
        same = self._prints.get(id(action.changes))
        if same is None:  # the changes are kept, so that no other ones get their id
            same = self._prints[id(action.changes)] = (action.changes, repr(action.changes))
        return self._skeletons[action.reason], same[1]


def _group(same: list[Action], total: int) -> ActionGroup:
    reasons = {action.reason: action for action in same}
    if len(reasons) > 1 and same[0].group:
        pairs = reasons.items()
        reasons = {_replace_in_reason(reason, _reference_by_value(action)): action for reason, action in pairs}
    return ActionGroup(tuple(same), shared(list(reasons)), same[0].changes, total or len(same))


def skeleton(reason: Reason) -> Skeleton:
    """A reason without the numbers in its arguments, and without what may be a session's id in them."""
    return tuple(_VARIES.sub("\0", text) if varies else text for text, varies in reason_parts(reason))


def replica_ranges(replicas: Sequence[int]) -> str:
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


def _with_references(action: Action) -> Action:
    """The action with `${axis}` for the values of its combination, in its reason and in its changes."""
    words = _reference_by_value(action)
    changes = (
        replace(one, before=_replace_values(words, one.before), after=_replace_values(words, one.after))
        for one in action.changes
    )
    return replace(action, reason=_replace_in_reason(action.reason, words), changes=tuple(changes))


def _replace_in_reason(reason: Reason, words: list[tuple[str, str]]) -> Reason:
    return reason.with_texts(lambda text: _replace_words(text, words))


def _reference_by_value(action: Action) -> list[tuple[str, str]]:
    """What is a combination's own, in lower case, and what stands for it; longer words first."""
    values = action.desired.spec.values if action.desired is not None else {}
    words = {action.session.lower(): action.group, action.name: action.group}
    for axis, value in values.items():
        words |= {value.lower(): f"${{{axis}}}", _slug(value): f"${{{axis}}}"}
    return sorted(((word, general) for word, general in words.items() if word), key=lambda pair: -len(pair[0]))


def _replace_values(words: list[tuple[str, str]], value: Any) -> Any:
    """A value of a change with a combination's own words replaced, however deep they stand."""
    if isinstance(value, str):
        return _replace_words(value, words)
    if isinstance(value, dict):
        return {key: _replace_values(words, item) for key, item in value.items()}
    return [_replace_values(words, item) for item in value] if isinstance(value, list | tuple) else value


def _replace_words(text: str, words: list[tuple[str, str]]) -> str:
    """`text` with each of the words replaced where it stands alone; no regular expression, for each has its own."""
    low = text.lower()
    found: list[tuple[int, int, str]] = []
    for word, general in words if len(low) == len(text) else ():
        start = low.find(word)
        while start >= 0:
            end = start + len(word)
            if _stands_alone(low, start, end) and not any(start < other[1] and other[0] < end for other in found):
                found.append((start, end, general))
            start = low.find(word, end)
    for start, end, general in sorted(found, reverse=True):
        text = text[:start] + general + text[end:]
    return text


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether no letter or digit stands beside it, also not behind a point: `5` is no part of `12.5`."""
    before, after = text[max(start - 2, 0) : start], text[end : end + 2]
    if before[-1:].isalnum() or after[:1].isalnum() or "_" in (before[-1:], after[:1]):
        return False
    return not (before[-1:] == "." and before[:-1].isdigit()) and not (after[:1] == "." and after[1:].isdigit())


def _slug(value: str) -> str:
    return _FOREIGN.sub("-", value.lower().replace("+", "p"))


def _combination(name: str, group: str) -> str:
    """A session's name without what the whole group has in common."""
    pieces = _REFERENCE.split(group)
    first, last = pieces[0], pieces[-1]
    fits = len(name) > len(first) + len(last) and name.startswith(first) and name.endswith(last)
    return name[len(first) : len(name) - len(last)] if fits else name


def _some_combinations(combinations: Sequence[str]) -> str:
    if len(combinations) <= _NAMED:
        return ", ".join(combinations)
    return f"{combinations[0]} … {combinations[-1]}"


def shared(reasons: Sequence[Reason]) -> str:
    """What reasons of one skeleton have in common: numbers that differ as their range, ids that differ as `…`."""
    different = [tuple(reason_parts(reason)) for reason in dict.fromkeys(reasons)]
    if len(different) == 1:
        return "".join(text for text, _ in different[0])
    return "".join(_shared_part({text for text, _ in parts}) for parts in zip(*different, strict=True))


def _shared_part(texts: set[str]) -> str:
    if len(texts) == 1:
        return texts.pop()
    columns = zip(*(_VARIES.split(text) for text in sorted(texts)), strict=True)
    return "".join(_column(set(column)) for column in columns)


def _column(parts: set[str]) -> str:
    if len(parts) == 1:
        return parts.pop()
    if all(part.isdigit() for part in parts):
        numbers = sorted(int(part) for part in parts)
        return f"{numbers[0]}-{numbers[-1]}"
    return "…"
