"""The working copy of a state document: its items by key. It can be changed, and written to a document again."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skaha_apply.model.session import Kind
from skaha_apply.planning.digest import spec_key

if TYPE_CHECKING:
    from skaha_apply.model.session import LiveSession
    from skaha_apply.model.spec import ReplicaKey, SessionSpec
    from skaha_apply.model.state import (
        Intent,
        PendingDelete,
        ReplicaEntry,
        ReplicaRecord,
        StateDocument,
        UnconfirmedCreate,
    )

_RAM_TOLERANCE = 0.08  # a little more than 2**30 / 10**9


@dataclass
class WorkingState:
    """The mutable working copy of a state; its items are frozen and replaced as a whole.

    `pending_deletes` are the `tombstones` of the document, `unconfirmed_creates` its `doubts`.
    """

    head: StateDocument
    specs: dict[str, SessionSpec] = field(default_factory=dict)
    records: dict[ReplicaKey, ReplicaRecord] = field(default_factory=dict)
    intents: dict[ReplicaKey, Intent] = field(default_factory=dict)
    pending_deletes: dict[str, PendingDelete] = field(default_factory=dict)
    unconfirmed_creates: dict[ReplicaKey, UnconfirmedCreate] = field(default_factory=dict)
    # By identity: a thousand replicas share one spec, and its digest takes as long as a third of a request.
    _keys: dict[int, tuple[SessionSpec, str]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_document(cls, document: StateDocument) -> WorkingState:
        """The working copy of a document."""
        return cls(
            head=document,
            specs=dict(document.specs),
            records={record.key: record for record in document.replicas},
            intents={intent.key: intent for intent in document.intents},
            pending_deletes={one.id: one for one in document.tombstones},
            unconfirmed_creates={one.key: one for one in document.doubts},
        )

    def to_document(self) -> StateDocument:
        """The document with sorted lists, without specs that no item refers to."""
        entries: tuple[ReplicaEntry, ...] = (
            *self.records.values(),
            *self.intents.values(),
            *self.unconfirmed_creates.values(),
        )
        used = {entry.spec for entry in entries}
        return self.head.model_copy(
            update={
                "specs": {key: spec for key, spec in sorted(self.specs.items()) if key in used},
                "replicas": tuple(self.records[key] for key in sorted(self.records)),
                "intents": tuple(self.intents[key] for key in sorted(self.intents)),
                "tombstones": tuple(self.pending_deletes[key] for key in sorted(self.pending_deletes)),
                "doubts": tuple(self.unconfirmed_creates[key] for key in sorted(self.unconfirmed_creates)),
            },
        )

    def record_spec(self, spec: SessionSpec) -> str:
        """Add a spec to the state and return its key."""
        known = self._keys.get(id(spec))
        if known is None:
            known = self._keys[id(spec)] = spec, spec_key(spec)
        key = known[1]
        self.specs.setdefault(key, spec)
        return key

    def owned(self) -> frozenset[str]:
        """The IDs of all owned sessions: current, earlier, and with a pending delete."""
        ids = {record.id for record in self.records.values() if record.id}
        ids.update(past for record in self.records.values() for past in record.past)
        ids.update(self.pending_deletes)
        return frozenset(ids)


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
