"""The words for the progress of a replica, and the classes in which a page draws and counts them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.model.plan import ActionKind
from skaha_apply.model.session import ACTIVE, Phase

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.model.status import ReplicaStatus

# Each class has a color and a shape. `waiting` counts as queued: it has no session on the server yet.
CLASSES = ("done", "running", "queued", "waiting", "retrying", "blocked", "failed", "other")
GROUPS = tuple(name for name in CLASSES if name != "waiting")
_CLASS_OF = {
    Phase.DONE.value: "done",
    Phase.RUNNING.value: "running",
    Phase.TERMINATING.value: "running",
    Phase.OTHER.value: "running",
    Phase.ACCEPTED.value: "queued",
    Phase.PENDING.value: "queued",
    ActionKind.RETRY.value: "retrying",
    ActionKind.BLOCKED.value: "blocked",
    Phase.FAILED.value: "failed",
    Phase.UNKNOWN.value: "other",
    Phase.HELD.value: "other",
    ActionKind.CONFLICT.value: "other",
    ActionKind.PROTECTED.value: "other",
}
_SHOWN = {Phase.HELD.value: "on hold", "wait": "waits", "create": "not started", Phase.OTHER.value: "unknown status"}
_NOT_STARTED = frozenset(kind.value for kind in ActionKind if kind.keeps_from_starting) | {ActionKind.DONE.value}
_AGAIN = (ActionKind.CREATE.value, ActionKind.RETRY.value)
_ENDED = frozenset(phase.value for phase in Phase if phase.ended)
_ACTIVE = frozenset(phase.value for phase in ACTIVE)


def class_of(word: str) -> str:
    """The class of a word of progress; one that is not in the table waits for its session."""
    return _CLASS_OF.get(word, "waiting")


def shown_word(word: str) -> str:
    """The word as a person reads it."""
    return _SHOWN.get(word, word)


def word_of(row: ReplicaStatus) -> str:
    """The progress of a replica in a word, as `workflow.progress.progress_word` counts it for its entry."""
    if row.action == ActionKind.WAIT.value and row.phase == Phase.FAILED.value:
        return ActionKind.RETRY.value
    if row.action in _NOT_STARTED:
        return row.action
    return row.action if row.action in _AGAIN and row.phase in _ENDED else row.phase


def is_active(row: ReplicaStatus) -> bool:
    """Whether the session of a replica holds resources, or may hold them."""
    return row.phase in _ACTIVE


def group_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """Numbers of replicas by group, in the order of the groups, without empty groups."""
    found = Counter(dict.fromkeys(CLASSES, 0))
    for word, count in counts.items():
        found[class_of(word)] += count
    found["queued"] += found.pop("waiting")
    return {name: found[name] for name in GROUPS if found[name]}
