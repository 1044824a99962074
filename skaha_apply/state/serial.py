"""Which state a place holds, and whether a new one may take its place: never over one that was not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from skaha_apply.model.errors import StateError

if TYPE_CHECKING:
    from skaha_apply.model.state import StateDocument


class Version(NamedTuple):
    """What identifies a stored document; all None where there is none."""

    lineage: str | None = None
    serial: int | None = None
    writer: str | None = None

    def __str__(self) -> str:
        return "no state" if self.lineage is None else f"serial {self.serial} of lineage {self.lineage}"


NOTHING = Version()


def version_of(document: StateDocument | None) -> Version:
    """The version that a place with this document holds."""
    return NOTHING if document is None else Version(document.lineage, document.serial, document.writer)


def follows(document: StateDocument, stored: StateDocument | None) -> bool:
    """Whether a state that was kept elsewhere may take the place of what is stored.

    The serial alone does not tell: what was stored meanwhile may not have reached it yet, so the times count too.
    """
    if stored is None:
        return True
    later = stored.written is None or (document.written is not None and document.written >= stored.written)
    return document.lineage == stored.lineage and document.serial > stored.serial and later


def check_next(address: str, known: Version | None, stored: Version, document: StateDocument) -> None:
    """Refuse `document` unless it follows what is stored; `known` is what was read or written last, None for nothing.

    Raises `StateError` when the stored one was changed underneath, has another lineage, or is not older.
    """
    if known is not None and stored[:2] != known[:2]:
        raise StateError(
            f"the state {address} was changed underneath: it held {known}, now {stored}; it is left as it is",
            hint="Something wrote it without the lock. Run it again: it starts from what is there.",
        )
    if stored.lineage is not None and stored.lineage != document.lineage:
        raise StateError(
            f"the state {address} has another lineage than what would be written: "
            f"{stored.lineage}, not {document.lineage}",
            hint="They are two separate memories; choose the right place with --state.",
        )
    if stored.serial is not None and stored.serial >= document.serial:
        raise StateError(
            f"the state {address} has serial {stored.serial}; serial {document.serial} would not be newer",
            hint="Somebody wrote it meanwhile; run it again, and it starts from what is there.",
        )
