"""The version of a stored state, and the check that a new state never replaces one that was not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from skaha_apply.model.errors import StateError

if TYPE_CHECKING:
    from skaha_apply.model.state import StateDocument


class StateVersion(NamedTuple):
    """The identity of a stored document; all fields are None if there is no document."""

    lineage: str | None = None
    serial: int | None = None
    writer: str | None = None

    def __str__(self) -> str:
        return "no state" if self.lineage is None else f"serial {self.serial} of lineage {self.lineage}"


NOTHING = StateVersion()


def version_of(document: StateDocument | None) -> StateVersion:
    """The version of a store with this document."""
    return NOTHING if document is None else StateVersion(document.lineage, document.serial, document.writer)


def can_replace(document: StateDocument, stored: StateDocument | None) -> bool:
    """Whether a state from a file, such as the rescue file, can replace the stored state.

    The serial is not enough: a state that was stored later can have a lower serial. So the times count too.
    """
    if stored is None:
        return True
    later = stored.written is None or (document.written is not None and document.written >= stored.written)
    return document.lineage == stored.lineage and document.serial > stored.serial and later


def check_next(address: str, known: StateVersion | None, stored: StateVersion, document: StateDocument) -> None:
    """Refuse `document` unless it follows the stored state; `known` was read or written last, None for nothing.

    Raises `StateError` if another process changed the stored state, or if its lineage differs or its serial is not
    lower.
    """
    if known is not None and stored[:2] != known[:2]:
        raise StateError(
            f"another process changed the state {address}: it was {known} and is now {stored}; nothing was written",
            hint="A process wrote the state without the lock. Repeat the command: it starts from the stored state.",
        )
    if stored.lineage is not None and stored.lineage != document.lineage:
        raise StateError(
            f"the state {address} has another lineage than the new state: {stored.lineage}, not {document.lineage}",
            hint="These are two unrelated states. Select the right one with --state.",
        )
    if stored.serial is not None and stored.serial >= document.serial:
        raise StateError(
            f"the state {address} has serial {stored.serial}, and the new state {document.serial}, which is not newer",
            hint="Another process wrote the state meanwhile. Repeat the command: it starts from the stored state.",
        )
