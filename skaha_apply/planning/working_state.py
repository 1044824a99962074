"""The working copy of a state document: its items by key. It can be changed, and written to a document again."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import field
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass, replace
from skaha_apply.model.names.replica_ranges import count_of, parse_ranges
from skaha_apply.model.session import Kind
from skaha_apply.planning.attempts import as_requested, ram_of
from skaha_apply.planning.digest import spec_key
from skaha_apply.planning.records import Records

if TYPE_CHECKING:
    from skaha_apply.model.session import LiveSession
    from skaha_apply.model.spec import ReplicaKey, SessionSpec
    from skaha_apply.model.state import (
        Intent,
        PendingDelete,
        ReplicaRecord,
        StateDocument,
        UnconfirmedCreate,
    )

_key_of = attrgetter("key")
_RAM_TOLERANCE = 0.08  # a little more than 2**30 / 10**9


@dataclass
class WorkingState:
    """The mutable working copy of a state; its items are frozen and replaced as a whole.

    `pending_deletes` are the `tombstones` of the document, `unconfirmed_creates` its `doubts`. `stored_records` are the
    stored records of replicas about which this working copy knows newer times, None for a record that is not stored.
    `confirmed` has the sessions that a listing showed as their records have them: its ID, and the time of the listing.
    """

    head: StateDocument
    specs: dict[str, SessionSpec] = field(default_factory=dict)
    records: Records = field(default_factory=Records)
    intents: dict[ReplicaKey, Intent] = field(default_factory=dict)
    pending_deletes: dict[str, PendingDelete] = field(default_factory=dict)
    unconfirmed_creates: dict[ReplicaKey, UnconfirmedCreate] = field(default_factory=dict)
    stored_records: dict[ReplicaKey, ReplicaRecord | None] = field(default_factory=dict, repr=False, compare=False)
    confirmed: dict[ReplicaKey, tuple[str, float]] = field(default_factory=dict, repr=False, compare=False)
    # By identity: a thousand replicas share one spec, and its digest takes as long as a third of a request.
    _keys: dict[int, tuple[SessionSpec, str]] = field(default_factory=dict, repr=False, compare=False)
    # The last result of `to_document`, with the revisions of the records and of their keys.
    _built: tuple[StateDocument, int, int] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def from_document(cls, document: StateDocument) -> WorkingState:
        """The working copy of a document."""
        return cls(
            head=document,
            specs=dict(document.specs),
            records=Records(document.replicas),
            intents={intent.key: intent for intent in document.intents},
            pending_deletes={one.id: one for one in document.tombstones},
            unconfirmed_creates={one.key: one for one in document.doubts},
        )

    def to_document(self) -> StateDocument:
        """The document with sorted lists, without specs that no item refers to.

        What has not changed since the last document is taken from it.
        """
        tables: dict[str, Any] = {
            "intents": tuple(self.intents[key] for key in sorted(self.intents)),
            "tombstones": tuple(self.pending_deletes[key] for key in sorted(self.pending_deletes)),
            "doubts": tuple(self.unconfirmed_creates[key] for key in sorted(self.unconfirmed_creates)),
        }
        replicas, has_other_specs = self._sorted_records()
        if self._built is not None and not has_other_specs and _same_specs(self._built[0], tables):
            specs = self._built[0].specs
        else:
            used = {entry.spec for entry in (*replicas, *tables["intents"], *tables["doubts"], *self.head.done)}
            specs = {key: spec for key, spec in sorted(self.specs.items()) if key in used}
        document = replace(self.head, specs=specs, replicas=replicas, **tables)
        self._built = document, self.records.revision, self.records.key_revision
        return document

    def _sorted_records(self) -> tuple[tuple[ReplicaRecord, ...], bool]:
        """The records by key, and whether their specs can be others than in the last document."""
        if self._built is None or self._built[2] != self.records.key_revision:
            return tuple(self.records[key] for key in sorted(self.records)), True
        document, revision, _ = self._built
        if revision == self.records.revision:
            return document.replicas, False
        found, has_other_specs = list(document.replicas), False
        for key in self.records.changed_since(revision):
            position, record = bisect_left(found, key, key=_key_of), self.records[key]
            has_other_specs |= found[position].spec != record.spec
            found[position] = record
        return tuple(found), has_other_specs

    def record_spec(self, spec: SessionSpec) -> str:
        """Add a spec to the state and return its key."""
        known = self._keys.get(id(spec))
        if known is None:
            known = self._keys[id(spec)] = spec, spec_key(spec)
        key = known[1]
        self.specs.setdefault(key, spec)
        return key

    @property
    def replica_count(self) -> int:
        """The number of known replicas, also of those that are in the archive only."""
        return len(self.records) + sum(count_of(parse_ranges(done.replicas)) for done in self.head.done)

    def owned(self) -> frozenset[str]:
        """The IDs of all owned sessions: current, earlier, and with a pending delete; without those in the archive."""
        ids = {record.id for record in self.records.values() if record.id}
        ids.update(past for record in self.records.values() for past in record.past)
        ids.update(self.pending_deletes)
        return frozenset(ids)


def _same_specs(document: StateDocument, tables: dict[str, tuple[Any, ...]]) -> bool:
    """Whether the open creates of a document refer to the same specs as those in `tables`."""
    before = [entry.spec for entry in (*document.intents, *document.doubts)]
    return before == [entry.spec for entry in (*tables["intents"], *tables["doubts"])]


def resembling_spec(session: LiveSession, spec: SessionSpec) -> SessionSpec | None:
    """The spec as the attempt requested it that a live session resembles; None if it resembles no attempt.

    A spec with `retry_ram` requests another RAM in its later attempts.
    """
    attempts = (spec, *(as_requested(spec, ram_of(spec, number)) for number in range(2, len(spec.retry_ram) + 2)))
    return next((one for one in attempts if resembles(session, one)), None)


def resembles(session: LiveSession, spec: SessionSpec) -> bool:
    """Whether a live session has the image, kind and resources of a spec. A listing has no cmd, args and env.

    RAM alone decides whether a session is fixed or flexible, and a listing shows no resources of flexible sessions.
    Desktop and firefly ignore the requested resources [PostAction.ResourceSpecification, launch-desktop.yaml]. RAM is
    compared with a tolerance, because servers have listed it as GiB, as decimal GB and as "32G".
    """
    if session.image != spec.image or session.kind.lower() != spec.kind.value:
        return False
    if spec.kind in (Kind.DESKTOP, Kind.FIREFLY) or spec.ram is None:
        return True
    if session.ram is not None and not math.isclose(session.ram, spec.ram, rel_tol=_RAM_TOLERANCE):
        return False
    return spec.cores is None or session.cores is None or math.isclose(session.cores, spec.cores, rel_tol=0.01)
