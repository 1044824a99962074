"""The IDs of interactive sessions in a state that others can read: a short digest stands for each of them.

Everybody who knows such an ID can open the session. The next command finds the session in the listing by its name and
this digest, and takes the ID from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.masking.session_ids import short_id
from skaha_apply.state.observed_stores import interactive_ids

if TYPE_CHECKING:
    from skaha_apply.model.state import Attempt, PendingDelete, ReplicaRecord, StateDocument

T = TypeVar("T")


def with_hidden_ids(document: StateDocument) -> StateDocument:
    """The document with a digest for the ID of each interactive session; the same object if it has none."""
    ids = frozenset(interactive_ids(document))
    if not ids:
        return document
    changes: dict[str, Any] = {
        "replicas": tuple(_record(record, ids) for record in document.replicas),
        "tombstones": tuple(_pending(one, ids) for one in document.tombstones),
    }
    for name in ("intents", "doubts"):
        entries = getattr(document, name)
        changes[name] = tuple(
            replace(one, listed=_hidden(one.listed, ids)) if ids.intersection(one.listed) else one for one in entries
        )
    return replace(document, **changes)


def _record(record: ReplicaRecord, ids: frozenset[str]) -> ReplicaRecord:
    own = {record.id, *record.past, *(one.id for one in record.earlier)} - {None}
    if not ids.intersection(one for one in own if one):
        return record
    earlier = tuple(_attempt(one, ids) for one in record.earlier)
    return replace(record, id=_public(record.id, ids), past=_hidden(record.past, ids), earlier=earlier)


def _attempt(attempt: Attempt, ids: frozenset[str]) -> Attempt:
    return replace(attempt, id=_public(attempt.id, ids)) if attempt.id in ids else attempt


def _pending(pending: PendingDelete, ids: frozenset[str]) -> PendingDelete:
    return replace(pending, id=short_id(pending.id)) if pending.id in ids else pending


def _public(session_id: str | None, ids: frozenset[str]) -> str | None:
    return short_id(session_id) if session_id in ids and session_id else session_id


def _hidden(listed: tuple[str, ...], ids: frozenset[str]) -> tuple[str, ...]:
    return tuple(short_id(one) if one in ids else one for one in listed)
