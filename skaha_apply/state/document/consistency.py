"""What must hold between the parts of a state document before it is trusted or stored."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from skaha_apply.model.errors import StateError
from skaha_apply.model.names.replica_ranges import RangeError, has_replica, parse_ranges

if TYPE_CHECKING:
    from skaha_apply.model.state import Intent, ReplicaRecord, StateDocument, UnconfirmedCreate

RESTORE = (
    "Restore the state from a backup. Remove it only if every session of the project may run again, because "
    "nothing else records finished work."
)


def check_consistent(document: StateDocument, what: str) -> None:
    """Refuse a document that has a replica twice, or lacks the spec of an entry; `what` is for the message.

    Raises:
        StateError: it names the entry.
    """
    keys = [(record.session, record.replica) for record in document.replicas]
    archived = _archived_ranges(document, what)
    repeated = [key for key in keys if has_replica(archived.get(key[0], ()), key[1])] if archived else []
    if repeated or len(set(keys)) < len(keys):
        session, replica = next(key for key, count in Counter([*keys, *repeated]).items() if count > 1)
        raise StateError(f"{what} contains {session}/{replica} twice", hint=RESTORE)
    items: tuple[ReplicaRecord | Intent | UnconfirmedCreate, ...] = (
        *document.replicas,
        *document.intents,
        *document.doubts,
    )
    known = document.specs
    for item in items:
        if item.spec not in known:
            raise StateError(
                f"{what} has no spec {item.spec!r}, which {item.session}/{item.replica} names",
                hint=RESTORE,
            )


def _archived_ranges(document: StateDocument, what: str) -> dict[str, list[tuple[int, int]]]:
    """The ranges of archived replicas by session; raises `StateError` if they are damaged."""
    found: dict[str, list[tuple[int, int]]] = {}
    for done in document.done:
        if done.spec not in document.specs:
            archived = f"the archived replicas of {done.session}"
            raise StateError(f"{what} has no spec {done.spec!r}, which {archived} name", hint=RESTORE)
        try:
            found.setdefault(done.session, []).extend(parse_ranges(done.replicas))
        except RangeError as error:
            raise StateError(f"{what} is damaged: done replicas of {done.session}: {error}", hint=RESTORE) from error
    for session, ranges in found.items():
        ranges.sort()
        for (_, before), (low, _) in pairwise(ranges):
            if low <= before:
                raise StateError(f"{what} contains {session}/{low} twice", hint=RESTORE)
    return found
