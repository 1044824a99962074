"""The words for the progress of a replica, and the classes in which a page draws and counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.plan import ActionKind
from skaha_apply.model.progress.summary import WAITING_WORDS, ProgressGroup, QueuePart, group_of, queue_part
from skaha_apply.model.reasons import ReasonCode
from skaha_apply.model.session import ACTIVE, Phase
from skaha_apply.render.reasons import reason_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.model.reasons import Reason
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.status import ReplicaStatus

# Each class has a color and a shape. It is a group of the summary, except that queued replicas without a session on the
# server have the class `waiting`.
GROUPS = tuple(group.value for group in ProgressGroup)
CLASSES = ("done", "running", "queued", "waiting", "retrying", "blocked", "failed", "other")
PARTS = tuple(part.value for part in QueuePart)
_WAITS = {QueuePart.SLOT: "waits for a slot", QueuePart.DEPENDENCY: "waits for a dependency"}
_SHOWN = {Phase.HELD.value: "on hold", "wait": "waits", "create": "not started", Phase.OTHER.value: "unknown status"}
_NOT_STARTED = frozenset(kind.value for kind in ActionKind if kind.keeps_from_starting) | {ActionKind.DONE.value}
_AGAIN = (ActionKind.CREATE.value, ActionKind.RETRY.value)
_ENDED = frozenset(phase.value for phase in Phase if phase.ended)
_ACTIVE = frozenset(phase.value for phase in ACTIVE)


def class_of(word: str) -> str:
    """The class of a word of progress."""
    return "waiting" if word in WAITING_WORDS else group_of(word).value


def shown_word(word: str) -> str:
    """The word as a person reads it."""
    return _SHOWN.get(word, word)


def progress_text(row: ReplicaStatus) -> str:
    """The progress of a replica as a person reads it, with what it waits for."""
    word = word_of(row)
    part = queue_part(word, row.reason.code)
    return _WAITS[part] if part in _WAITS else shown_word(word)


def classified(text: str) -> list[str]:
    """A text of `progress_text` or `shown_word` with its class, and its part of the queue ("" if it is not queued)."""
    plain = next((word for word, other in _SHOWN.items() if other == text), text)
    waits = next((part.value for part, other in _WAITS.items() if other == text), "")
    name = "waiting" if waits else class_of(plain)
    part = {"queued": QueuePart.SERVER.value, "waiting": QueuePart.START.value}.get(name, "")
    return [text, name, waits or part]


def reason_and_share(reason: Reason, spec: SessionSpec | None) -> str:
    """The text of a reason; if a replica waits until all of an entry have ended, with the share that must succeed.

    The command that ends a failure limit is left out: `next_apply` has it with the options of the invocation.
    """
    if reason.code is ReasonCode.FAILURE_LIMIT:
        row = dict(reason.arguments)["failures"]
        return f"stopped after {row} failed attempts in a row; fix the cause, then mark the failed replicas"
    text = reason_text(reason)
    shares = {name.casefold(): share for name, share in spec.require.items()} if spec else {}
    given = dict(reason.arguments).get("dependencies", ())
    waits = given if isinstance(given, tuple) else ()
    names = [str(dict(one.arguments)["entry"]).casefold() for one in waits if one.code is ReasonCode.NOT_ENDED]
    known = [f"{100 * shares[name]:.4g} %" for name in names if name in shares]
    return f"{text}; it starts after that if {' and '.join(known)} succeeded" if known else text


def word_of(row: ReplicaStatus) -> str:
    """The progress of a replica in a word, as `planning.summary.entry_summaries` counts it for its entry."""
    if row.action == ActionKind.WAIT.value and row.phase == Phase.FAILED.value:
        return ActionKind.RETRY.value
    if row.action in _NOT_STARTED:
        return row.action
    return row.action if row.action in _AGAIN and row.phase in _ENDED else row.phase


def is_active(row: ReplicaStatus) -> bool:
    """Whether the session of a replica holds resources, or may hold them."""
    return row.phase in _ACTIVE


def shown_groups(groups: Mapping[ProgressGroup, int] | Mapping[QueuePart, int]) -> dict[str, int]:
    """The number of replicas in each group or part of the queue, without empty ones."""
    return {group.value: count for group, count in groups.items() if count}
