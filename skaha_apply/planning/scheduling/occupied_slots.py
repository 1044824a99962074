"""The sessions that occupy slots: every session of a project that is or might be active, in the manifest or not.

A replica occupies one slot while its session is active or being deleted, and while its create is open. Each duplicate
session occupies another slot.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.model.reasons import DeleteReason
from skaha_apply.model.session import Kind, Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from skaha_apply.model.plan import Action
    from skaha_apply.model.spec import ReplicaKey, SessionSpec
    from skaha_apply.model.state import PendingDelete
    from skaha_apply.planning.situation import Situation

_COUNTED = (Phase.PENDING, Phase.RUNNING)


@dataclass(frozen=True, slots=True)
class SlotHolder:
    """The owner of a slot: the session of a replica, or with `extra` a second session of the replica.

    `ends` states that the slot becomes free by itself. The slot of a running interactive session does not.
    """

    key: ReplicaKey
    family: str
    headless: bool
    ends: bool = True
    extra: bool = False


class OccupiedSlots:
    """The owners of slots in a project, and the sessions that count for the whole account."""

    def __init__(self, situation: Situation, specs: Mapping[str, SessionSpec], adoptions: Iterable[Action]) -> None:
        self._situation = situation
        self._book = situation.working_state
        self._specs = specs
        main: dict[ReplicaKey, SlotHolder] = {}
        for holder in (*self._recorded(), *self._intended(), *self._buried(), *self._adopted(adoptions)):
            main.setdefault(holder.key, holder)
        self.holders = (*main.values(), *self._extras())

    def listed(self, *, headless: bool) -> frozenset[str]:
        """The IDs of the Pending and Running sessions of the account, either headless or interactive.

        A headless session with an unknown status word might run, so it counts. The server counts an interactive
        session if its status is Pending or Running [PostAction].
        """
        counted = (*_COUNTED, Phase.OTHER) if headless else _COUNTED
        return frozenset(
            session.id
            for session in self._situation.observation.listing.sessions
            if session.phase in counted and (session.kind.lower() == Kind.HEADLESS) is headless
        )

    @property
    def unlisted(self) -> frozenset[ReplicaKey]:
        """Owned headless replicas that are or might be Pending or Running, and that the listing does not show."""
        listed = self._situation.observation.listing.by_id
        ours = {
            key
            for key, record in self._book.records.items()
            if record.phase in (Phase.ACCEPTED, *_COUNTED)
            if record.id not in listed and record.id not in self._book.tombstones
            if not self._book.specs[record.spec].kind.interactive
        }
        for key, intent in self._book.intents.items():
            record = self._book.records.get(key)
            shown = record is not None and record.phase in _COUNTED and record.id in listed
            if not shown and not self._book.specs[intent.spec].kind.interactive:
                ours.add(key)
        return frozenset(ours)

    def _recorded(self) -> Iterator[SlotHolder]:
        for key, record in self._book.records.items():
            if record.phase.active:
                headless = not self._book.specs[record.spec].kind.interactive
                ends = headless or record.phase is not Phase.RUNNING or record.id in self._book.tombstones
                yield SlotHolder(key, self._family(key), headless, ends)

    def _intended(self) -> Iterator[SlotHolder]:
        for key, intent in self._book.intents.items():
            yield SlotHolder(key, self._family(key), not self._book.specs[intent.spec].kind.interactive)

    def _buried(self) -> Iterator[SlotHolder]:
        for tombstone in self._book.tombstones.values():
            if tombstone.active and tombstone.why is not DeleteReason.SURPLUS:
                yield SlotHolder(tombstone.key, self._family(tombstone.key), self._is_headless(tombstone))

    def _adopted(self, adoptions: Iterable[Action]) -> Iterator[SlotHolder]:
        for action in adoptions:
            if action.desired is not None and action.adopted is not None:
                spec = action.desired.spec
                ends = not spec.kind.interactive or action.adopted.phase is not Phase.RUNNING
                yield SlotHolder(action.key, spec.family, not spec.kind.interactive, ends)

    def _extras(self) -> Iterator[SlotHolder]:
        """The second sessions of replicas, also while the tool deletes them."""
        for tombstone in self._book.tombstones.values():
            if tombstone.active and tombstone.why is DeleteReason.SURPLUS:
                yield self._extra(tombstone.key, headless=self._is_headless(tombstone))
        for key, sessions in self._situation.duplicates.items():
            for session in sessions:
                if session.phase.active:
                    yield self._extra(key, headless=session.kind.lower() == Kind.HEADLESS)
        for key, sessions in self._situation.superseded.items():
            for session in sessions:
                yield self._extra(key, headless=session.kind.lower() == Kind.HEADLESS)

    def _extra(self, key: ReplicaKey, *, headless: bool) -> SlotHolder:
        return SlotHolder(key, self._family(key), headless, extra=True)

    def _is_headless(self, tombstone: PendingDelete) -> bool:
        session = self._situation.observation.session(tombstone.id)
        if session is not None:
            return session.kind.lower() == Kind.HEADLESS
        record = self._book.records.get(tombstone.key)
        spec = self._book.specs[record.spec] if record else self._specs.get(tombstone.session)
        return spec is None or not spec.kind.interactive

    def _family(self, key: ReplicaKey) -> str:
        """The entry of a replica, from the manifest, or from the record if it left the manifest."""
        if (spec := self._specs.get(key[0])) is not None:
            return spec.family
        entry = self._book.records.get(key) or self._book.intents.get(key)
        return self._book.specs[entry.spec].family if entry is not None else key[0]
