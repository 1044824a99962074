"""The sessions that occupy slots: every session of a project that is or might be active, in the manifest or not.

A replica occupies one slot while its session is active or being deleted, and while its create is open. Each duplicate
session occupies another slot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.reasons import DeleteReason
from skaha_apply.model.session import ACTIVE, Kind, Phase
from skaha_apply.planning.records import is_open

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from skaha_apply.model.plan import Action
    from skaha_apply.model.spec import ReplicaKey, SessionSpec
    from skaha_apply.model.state import PendingDelete
    from skaha_apply.planning.situation import Situation

_COUNTED = (Phase.PENDING, Phase.RUNNING)


@dataclass(frozen=True, slots=True)
class SlotOwner:
    """The owner of a slot: the session of a replica, or with `extra` a second session of the replica.

    `ends` states that the slot becomes free by itself. The slot of a running interactive session does not.
    """

    key: ReplicaKey
    entry_key: str
    headless: bool
    ends: bool = True
    extra: bool = False


class OccupiedSlots:
    """The owners of slots in a project, and the sessions that count for the whole account."""

    def __init__(self, situation: Situation, specs: Mapping[str, SessionSpec], adoptions: Iterable[Action]) -> None:
        self._situation = situation
        self._working_state = situation.working_state
        self._specs = specs
        main: dict[ReplicaKey, SlotOwner] = {}
        for owner in (*self._recorded(), *self._intended(), *self._being_deleted(), *self._adopted(adoptions)):
            main.setdefault(owner.key, owner)
        self.owners = (*main.values(), *self._extras())

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
        owned = {
            key
            for key, record in self._working_state.records.group(is_open).items()
            if record.phase in (Phase.ACCEPTED, *_COUNTED)
            if record.id not in listed and record.id not in self._working_state.pending_deletes
            if not self._working_state.specs[record.spec].kind.interactive
        }
        for key, intent in self._working_state.intents.items():
            record = self._working_state.records.get(key)
            shown = record is not None and record.phase in _COUNTED and record.id in listed
            if not shown and not self._working_state.specs[intent.spec].kind.interactive:
                owned.add(key)
        return frozenset(owned)

    def _recorded(self) -> Iterator[SlotOwner]:
        for key, record in self._working_state.records.group(is_open).items():
            if record.phase in ACTIVE:
                headless = not self._working_state.specs[record.spec].kind.interactive
                ends = headless or record.phase is not Phase.RUNNING or record.id in self._working_state.pending_deletes
                yield SlotOwner(key, self._entry_key(key), headless, ends)

    def _intended(self) -> Iterator[SlotOwner]:
        for key, intent in self._working_state.intents.items():
            yield SlotOwner(key, self._entry_key(key), not self._working_state.specs[intent.spec].kind.interactive)

    def _being_deleted(self) -> Iterator[SlotOwner]:
        for pending in self._working_state.pending_deletes.values():
            if pending.active and pending.why is not DeleteReason.SURPLUS:
                yield SlotOwner(pending.key, self._entry_key(pending.key), self._is_headless(pending))

    def _adopted(self, adoptions: Iterable[Action]) -> Iterator[SlotOwner]:
        for action in adoptions:
            if action.desired is not None and action.adopted is not None:
                spec = action.desired.spec
                ends = not spec.kind.interactive or action.adopted.phase is not Phase.RUNNING
                yield SlotOwner(action.key, spec.entry_key, not spec.kind.interactive, ends)

    def _extras(self) -> Iterator[SlotOwner]:
        """The second sessions of replicas, also while the tool deletes them."""
        for pending in self._working_state.pending_deletes.values():
            if pending.active and pending.why is DeleteReason.SURPLUS:
                yield self._extra(pending.key, headless=self._is_headless(pending))
        for key, sessions in self._situation.duplicates.items():
            for session in sessions:
                if session.phase.active:
                    yield self._extra(key, headless=session.kind.lower() == Kind.HEADLESS)
        for key, sessions in self._situation.superseded.items():
            for session in sessions:
                yield self._extra(key, headless=session.kind.lower() == Kind.HEADLESS)

    def _extra(self, key: ReplicaKey, *, headless: bool) -> SlotOwner:
        return SlotOwner(key, self._entry_key(key), headless, extra=True)

    def _is_headless(self, pending: PendingDelete) -> bool:
        session = self._situation.observation.session(pending.id)
        if session is not None:
            return session.kind.lower() == Kind.HEADLESS
        record = self._working_state.records.get(pending.key)
        spec = self._working_state.specs[record.spec] if record else self._specs.get(pending.session)
        return spec is None or not spec.kind.interactive

    def _entry_key(self, key: ReplicaKey) -> str:
        """The entry of a replica, from the manifest, or from the record if it left the manifest."""
        if (spec := self._specs.get(key[0])) is not None:
            return spec.entry_key
        entry = self._working_state.records.get(key) or self._working_state.intents.get(key)
        return self._working_state.specs[entry.spec].entry_key if entry is not None else key[0]
