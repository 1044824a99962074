"""Groups of similar actions, each printed as one line: `reduce [1-37,39-100]`, or `tile-${tile}` for a matrix."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.render.printable import one_line
from skaha_apply.render.reasons import reason_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skaha_apply.model.plan import Action, ActionKind, Change
    from skaha_apply.model.reasons import Reason

    Skeleton = tuple[str, ...]

_PIECES = 12  # ranges of replica IDs in one label
_NAMED = 3  # combinations in one label; of more than these only the first and the last are named
_ALIKE = 3  # lines of one entry and kind, above which lines that differ only in matrix values are merged
# Numbers, and possible session IDs: eight characters, the first a letter [RandomStringGenerator].
_VARIES = re.compile(r"(\d+|\b[a-z][a-z0-9]{7}\b)")
_ID = re.compile(r"[a-z][a-z0-9]{7}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.-]*")
_FOREIGN = re.compile(r"[^a-z0-9-]")
_REFERENCE = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True)
class ActionGroup:
    """Actions with the same kind, reason and changes, of one session or of one matrix.

    If the reasons differ in numbers or IDs, `reason` has a range or `…` there. If the reasons or the changes differ
    only in values of the matrix, `reason` and `changes` have `${axis}` there. `total` is the number of replicas of the
    entry in the plan.
    """

    actions: tuple[Action, ...]
    reason: str
    changes: tuple[Change, ...] = ()
    total: int = 0

    @property
    def kind(self) -> ActionKind:
        """The kind that all actions have."""
        return self.actions[0].kind

    @cached_property
    def sessions(self) -> tuple[str, ...]:
        """The names of the sessions, in the order of the plan."""
        return tuple(dict.fromkeys([action.session for action in self.actions]))

    @property
    def label(self) -> str:
        """`reduce [1-37,39-100]`, or the name alone if there is one replica, then the ID of a single session.

        The label of a matrix is `tile-${tile}  4,990 of 5,000  (t0001 … t4999)`.
        """
        first = self.actions[0]
        if first.group and len(self.sessions) > 1:
            counts = f"{len(self.actions):,} of {self.total:,}"
            return f"{one_line(first.group)}  {counts}  ({one_line(_some_combinations(self.sessions, first.group))})"
        label = one_line(first.session)
        if first.replicas > 1 or len(self.actions) > 1 or first.replica > 1:
            label += f" [{replica_ranges([action.replica for action in self.actions])}]"
        return f"{label} ({one_line(first.id)})" if len(self.actions) == 1 and first.id else label


def grouped(actions: Iterable[Action], totals: Mapping[str, int] | None = None) -> list[ActionGroup]:
    """The groups of these actions, in the order of their first actions.

    Args:
        actions: the actions of a plan to be shown.
        totals: the number of replicas of each matrix in the plan, by the name of its entry as written.
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
    """The number of replicas of each matrix, by the name of its entry as written."""
    return Counter(action.group for action in actions if action.group)


def entry_name(action: Action) -> str:
    """The name of the entry of an action as the manifest writes it."""
    return action.group or action.session


def _entry(action: Action) -> tuple[object, ...]:
    return (action.kind, entry_name(action), action.create_later)


class _Lines:
    """The key by which actions of one entry share a line. Each reason and each change is processed once."""

    def __init__(self) -> None:
        self._skeletons: dict[Reason, Skeleton] = {}
        self._last: tuple[Reason, Skeleton] | None = None  # most actions share the object of their reason
        self._prints: dict[int, tuple[object, str]] = {}

    def key(self, action: Action) -> tuple[Skeleton, str]:
        if self._last is None or self._last[0] is not action.reason:
            known = self._skeletons.get(action.reason)
            if known is None:
                known = self._skeletons[action.reason] = skeleton(action.reason)
            self._last = action.reason, known
        reason = self._last[1]
        same = self._prints.get(id(action.changes))
        if same is None:  # `changes` is stored too, so that no other object gets its id()
            same = self._prints[id(action.changes)] = (action.changes, repr(action.changes))
        return reason, same[1]


def _group(same: list[Action], total: int) -> ActionGroup:
    is_shared = len({id(action.reason) for action in same}) == 1
    reasons = {action.reason: action for action in (same[-1:] if is_shared else same)}
    if len(reasons) > 1 and same[0].group:
        pairs = reasons.items()
        reasons = {_replace_in_reason(reason, _reference_by_value(action)): action for reason, action in pairs}
    return ActionGroup(tuple(same), shared(list(reasons)), same[0].changes, total or len(same))


def skeleton(reason: Reason) -> Skeleton:
    """The parts of a reason, without the numbers and possible session IDs in its arguments."""
    return tuple(_VARIES.sub("\0", text) if varies else text for text, varies in reason_parts(reason))


def replica_ranges(replicas: Sequence[int]) -> str:
    """`1-37,39-100`; of more than a dozen ranges the first ones, and the number of all replicas."""
    pieces: list[tuple[int, int]] = []
    for replica in sorted(set(replicas)):
        if pieces and replica == pieces[-1][1] + 1:
            pieces[-1] = (pieces[-1][0], replica)
        else:
            pieces.append((replica, replica))
    shown = [f"{low}" if low == high else f"{low}-{high}" for low, high in pieces[:_PIECES]]
    more = f",… {len(set(replicas))} in total" if len(pieces) > _PIECES else ""
    return ",".join(shown) + more


def _with_references(action: Action) -> Action:
    """The action with `${axis}` in place of its matrix values, in its reason and its changes."""
    words = _reference_by_value(action)
    changes = (
        replace(one, before=_replace_values(words, one.before), after=_replace_values(words, one.after))
        for one in action.changes
    )
    return replace(action, reason=_replace_in_reason(action.reason, words), changes=tuple(changes))


def _replace_in_reason(reason: Reason, words: list[tuple[str, str]]) -> Reason:
    return reason.with_texts(lambda text: _replace_words(text, words))


def _reference_by_value(action: Action) -> list[tuple[str, str]]:
    """Pairs of a matrix value or name in lower case, and the reference that replaces it; longer ones first."""
    values = action.desired.spec.values if action.desired is not None else {}
    words = {action.session.lower(): action.group, action.name: action.group}
    for axis, value in values.items():
        words |= {value.lower(): f"${{{axis}}}", _slug(value): f"${{{axis}}}"}
    return sorted(((word, general) for word, general in words.items() if word), key=lambda pair: -len(pair[0]))


def _replace_values(words: list[tuple[str, str]], value: Any) -> Any:
    """A value of a change with the words replaced at any depth."""
    if isinstance(value, str):
        return _replace_words(value, words)
    if isinstance(value, dict):
        return {key: _replace_values(words, item) for key, item in value.items()}
    return [_replace_values(words, item) for item in value] if isinstance(value, list | tuple) else value


def _replace_words(text: str, words: list[tuple[str, str]]) -> str:
    """`text` with each word replaced where it stands alone; a regular expression for each action would be slow."""
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
    """Whether no letter or digit is next to the word, also not after a point: `5` does not match in `12.5`."""
    before, after = text[max(start - 2, 0) : start], text[end : end + 2]
    if before[-1:].isalnum() or after[:1].isalnum() or "_" in (before[-1:], after[:1]):
        return False
    return not (before[-1:] == "." and before[:-1].isdigit()) and not (after[:1] == "." and after[1:].isdigit())


def _slug(value: str) -> str:
    return _FOREIGN.sub("-", value.lower().replace("+", "p"))


def _combination(name: str, group: str) -> str:
    """The part of a session name that other sessions of the entry do not have."""
    pieces = _REFERENCE.split(group)
    first, last = pieces[0], pieces[-1]
    fits = len(name) > len(first) + len(last) and name.startswith(first) and name.endswith(last)
    return name[len(first) : len(name) - len(last)] if fits else name


def _some_combinations(sessions: Sequence[str], group: str) -> str:
    """The parts of session names that differ, `t0001` of `tile-t0001`: a few, or the first and the last."""
    if len(sessions) <= _NAMED:
        return ", ".join(_combination(name, group) for name in sessions)
    return f"{_combination(sessions[0], group)} … {_combination(sessions[-1], group)}"


def shared(reasons: Sequence[Reason]) -> str:
    """One text for reasons that differ only in numbers (shown as a range), names (first and last) and IDs (`…`)."""
    different = [tuple(reason_parts(reason)) for reason in dict.fromkeys(reasons)]
    if len(different) == 1:
        return "".join(text for text, _ in different[0])
    return "".join(_shared_part({text for text, _ in parts}) for parts in zip(*different, strict=True))


def _shared_part(texts: set[str]) -> str:
    words = zip(*(text.split(" ") for text in texts), strict=True)
    return " ".join(_shared_word(set(alike)) for alike in words)


def _shared_word(words: set[str]) -> str:
    if len(words) > 1 and all(_NAME.fullmatch(word) and not _ID.fullmatch(word) for word in words):
        ordered = sorted(words, key=lambda name: (len(name), name))  # t2 before t10
        return f"{ordered[0]} … {ordered[-1]}"
    columns = zip(*(_VARIES.split(word) for word in words), strict=True)
    return "".join(_column(set(column)) for column in columns)


def _column(parts: set[str]) -> str:
    if len(parts) == 1:
        return parts.pop()
    if all(part.isdigit() for part in parts):
        numbers = sorted(int(part) for part in parts)
        return f"{numbers[0]}-{numbers[-1]}"
    return "…"
