"""Finds the sessions whose state has only a digest of their ID, because the state is in a public place.

A digest is short, so a session must have the name and the kind of the replica too. A session that is not found counts
as active: its ID cannot be looked up, and a listing alone does not show that it has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.masking.session_ids import is_hidden, short_id
from skaha_apply.planning.records import has_hidden_id

if TYPE_CHECKING:
    from skaha_apply.model.session import Kind, Listing
    from skaha_apply.model.state import Intent, ReplicaRecord, UnconfirmedCreate
    from skaha_apply.planning.working_state import WorkingState

Create = TypeVar("Create", "Intent", "UnconfirmedCreate")


def reveal_ids(working: WorkingState, listing: Listing) -> None:
    """Replace each digest by the ID of the listed session that has the digest, the name and the kind."""
    for _, record in sorted(working.records.group(has_hidden_id).items()):
        kind = working.specs[record.spec].kind
        own = _id(record.id, record.name, kind, listing) if record.id else None
        past = tuple(_id(one, record.name, kind, listing) for one in record.past)
        if (own, past) != (record.id, record.past):
            working.records[record.key] = replace(record, id=own, past=past)
    for session_id, pending in sorted(working.pending_deletes.items()):
        owner = working.records.get(pending.key)
        if is_hidden(session_id) and owner is not None:
            found = _id(session_id, pending.name, working.specs[owner.spec].kind, listing)
            del working.pending_deletes[session_id]
            working.pending_deletes[found] = replace(pending, id=found)
    for key, intent in tuple(working.intents.items()):
        working.intents[key] = _with_listed(intent, working, listing)
    for key, unconfirmed in tuple(working.unconfirmed_creates.items()):
        working.unconfirmed_creates[key] = _with_listed(unconfirmed, working, listing)


def lost_ids(working: WorkingState, listing: Listing) -> tuple[frozenset[str], frozenset[str]]:
    """The digests of active sessions that the listing does not show: those that might exist, and the expired ones."""
    hidden = [
        record
        for record in working.records.group(has_hidden_id).values()
        if record.id and is_hidden(record.id) and record.phase.active and record.id not in working.pending_deletes
    ]
    expired = frozenset(one.id for one in hidden if one.id and _is_expired(one, listing))
    return frozenset(one.id for one in hidden if one.id) - expired, expired


def _is_expired(record: ReplicaRecord, listing: Listing) -> bool:
    """Whether the server has ended the session at its deadline, and does not list any session of the name."""
    return record.expires is not None and listing.asked > record.expires and record.name not in listing.by_name


def _with_listed(entry: Create, working: WorkingState, listing: Listing) -> Create:
    """The entry with the IDs of the sessions that had its name before the request."""
    if not any(map(is_hidden, entry.listed)):
        return entry
    kind = working.specs[entry.spec].kind
    listed = tuple(_id(one, entry.name, kind, listing) for one in entry.listed)
    return replace(entry, listed=listed)


def _id(session_id: str, name: str, kind: Kind, listing: Listing) -> str:
    """The ID of the one session with a digest; the digest itself if there is none, or more than one."""
    if not is_hidden(session_id):
        return session_id
    found = [
        session.id
        for shown in (name, "")  # a session that is listed without a name can have it
        for session in listing.by_name.get(shown, ())
        if session.kind.lower() == kind.value and short_id(session.id) == session_id
    ]
    return found[0] if len(found) == 1 else session_id
