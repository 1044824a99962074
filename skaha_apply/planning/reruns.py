"""Which run of a replica is wanted: another number than the recorded one makes it, and what needs it, run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skaha_apply.model.spec import Project, ReplicaKey
    from skaha_apply.planning.book import Book
    from skaha_apply.planning.options import Facts, PlanOptions


def recorded(book: Book) -> dict[ReplicaKey, int]:
    """How often each recorded replica was told to run again, where it was."""
    return {key: record.run_number for key, record in book.records.items() if record.run_number}


def wanted(book: Book, project: Project, facts: Facts, options: PlanOptions) -> dict[ReplicaKey, int]:
    """The run number that each replica of the manifest should have, where it is not 0."""
    del project, facts, options
    return recorded(book)
