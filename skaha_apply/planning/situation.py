"""Everything that the planner knows of a project when it decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.planning import diff
from skaha_apply.planning.tracking import unconfirmed_creates

if TYPE_CHECKING:
    from skaha_apply.model.plan import Change
    from skaha_apply.model.session import LiveSession
    from skaha_apply.model.spec import ReplicaKey, SessionSpec
    from skaha_apply.planning.options import Facts, PlanOptions
    from skaha_apply.planning.working_state import WorkingState


class Sight:
    """Everything that the rows look at, with the look-ups that are needed for each replica made once."""

    def __init__(self, book: WorkingState, facts: Facts, options: PlanOptions, adopted: frozenset[ReplicaKey]) -> None:
        self.book = book
        self.facts = facts
        self.options = options
        self.adopted = adopted
        self.owned = book.owned()
        self.burying = {tombstone.key for tombstone in book.tombstones.values() if tombstone.why != "surplus"}
        doubles = {key: unconfirmed_creates.doubles(book, doubt, facts.seen) for key, doubt in book.doubts.items()}
        self.doubles = frozenset(session.id for found in doubles.values() for session in found)
        self.doubled = {key for key, found in doubles.items() if any(session.phase.active for session in found)}
        self.doubled |= {
            key for key, record in book.records.items() if unconfirmed_creates.lingering(book, record, facts.seen)
        }
        self._changes: dict[tuple[str, int], tuple[Change, ...]] = {}

    def strangers(self, name: str) -> tuple[LiveSession, ...]:
        """Sessions of that live name which are not ours, nor doubles that we made."""
        found = self.facts.seen.listing.by_name.get(name, ())
        return tuple(session for session in found if session.id not in self.owned and session.id not in self.doubles)

    def changes(self, recorded: str, wanted: SessionSpec) -> tuple[Change, ...]:
        """The differing fields between a recorded spec and a wanted one, worked out once for each pair."""
        pair = (recorded, id(wanted))
        if pair not in self._changes:
            self._changes[pair] = diff.changes(self.book.specs[recorded], wanted)
        return self._changes[pair]
