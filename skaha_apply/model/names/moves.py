"""The moves of a manifest, carried out on a state in memory; the next write of the state stores them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.diagnostics import Diagnostic, Location, Severity
from skaha_apply.model.errors import ManifestError, UsageError
from skaha_apply.model.names.renames import with_entry_renamed
from skaha_apply.model.reasons import Reason, ReasonCode

if TYPE_CHECKING:
    from skaha_apply.model.project import Project
    from skaha_apply.model.state import StateDocument


@dataclass(frozen=True)
class MovedDocument:
    """A state with the entries under their present names, and a note for each move that had an effect."""

    document: StateDocument
    notes: tuple[Reason, ...] = ()


def with_moves(document: StateDocument, project: Project) -> MovedDocument:
    """The state after the moves of the manifest; `document` itself if no move has an effect.

    Raises:
        ManifestError: the state has records of both names, or a combination would get no name; with the line of the
            move.
    """
    notes = []
    for move in project.moved:
        try:
            renamed = with_entry_renamed(document, move.old, move.new)
        except UsageError as error:
            raise _refused(project, move.old, move.new, error) from error
        if renamed is not None:
            before = {record.session for record in document.replicas}
            count = sum(record.session not in before for record in renamed.replicas)
            notes.append(Reason(ReasonCode.MOVED, old=move.old, new=move.new, replicas=count))
            document = renamed
    return MovedDocument(document, tuple(notes))


def _refused(project: Project, old: str, new: str, error: UsageError) -> ManifestError:
    summary = f"{old} cannot be moved to {new}: {error.message}"
    detail = error.hint or (
        "Keep the records of one of the two: remove the move, or run `skaha-apply state forget` for the other name."
    )
    location = project.locations.get(f"moved.{old}", Location("-"))
    return ManifestError((Diagnostic("wrong-value", Severity.ERROR, summary, detail, location),))
