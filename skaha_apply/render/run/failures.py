"""Lines for failed replicas: each failure is shown with its cause, and failures with the same cause share a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.model.counts import counted, noun_for
from skaha_apply.planning.failure_cause import shared_causes
from skaha_apply.render.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.report import CausesFound, PhaseChanged, SharedCause

MOST_CAUSES = 10  # lines with a cause


def change_line(change: PhaseChanged, cause: str = "") -> str:
    """`reduce-3 k2j3h4g5: running -> failed: MemoryError`."""
    known = f" {one_line(change.id)}" if change.id else ""
    why = f": {one_line(cause)}" if cause else ""
    return f"{one_line(change.name)}{known}: {one_line(change.before)} -> {one_line(change.after)}{why}"


def cause_line(shared: SharedCause) -> str:
    """`25 failed: MemoryError (reduce-3 and 24 more)`; with one failure, `reduce-3 failed: MemoryError`.

    If some have another attempt: `25 failed, 9 of them are retried: ...`.
    """
    cause, first = one_line(shared.cause), one_line(shared.names[0])
    if shared.count == 1:
        return f"{first} failed{', and is retried' if shared.retried else ''}: {cause}"
    again = ""
    if shared.retried:
        all_again = shared.retried == shared.count
        which = "all" if all_again else f"{shared.retried}"
        again = f", {which} of them {noun_for(shared.retried, 'is', 'are')} retried"
    return f"{shared.count} failed{again}: {cause} ({first} and {shared.count - 1} more)"


def cause_lines(causes: Sequence[SharedCause]) -> list[str]:
    """One line for each cause, and one that counts the failures with other causes."""
    lines = [cause_line(one) for one in causes[:MOST_CAUSES]]
    if left := causes[MOST_CAUSES:]:
        lines.append(f"… and {sum(one.count for one in left)} more failed for {counted(len(left), 'other cause')}")
    return lines


def causes_document(causes: Sequence[SharedCause]) -> list[dict[str, Any]]:
    """Causes of failures as a JSON value, the most frequent first; `names` are the first replicas of each."""
    return [{"cause": one.cause, "count": one.count, "names": list(one.names)} for one in causes]


class PendingFailures:
    """Failures that are not shown yet, because their logs are not read yet."""

    def __init__(self) -> None:
        self._changes: dict[tuple[str, int], PhaseChanged] = {}

    def add(self, failure: PhaseChanged) -> None:
        """Keep a failure until its cause is known, or until `take` is called."""
        self._changes[failure.session.casefold(), failure.replica] = failure

    def explain(self, found: CausesFound) -> tuple[list[str], list[PhaseChanged]]:
        """The lines of the failures whose cause was found, and the kept failures without a cause."""
        known: dict[str, PhaseChanged | None] = {}
        unexplained = []
        for one in found.failures:
            change = self._changes.pop((one.session.casefold(), one.replica), None)
            if one.cause:
                known[one.name] = change
            elif change is not None:
                unexplained.append(change)
        causes = shared_causes((one.name, one.cause) for one in found.failures)
        if len(causes) == len(known) <= MOST_CAUSES:  # each failure has a cause of its own
            return [_own_line(one, known[one.names[0]]) for one in causes], unexplained
        return cause_lines(causes), unexplained

    def take(self) -> list[PhaseChanged]:
        """The failures that are still kept; they are kept no longer."""
        waiting, self._changes = list(self._changes.values()), {}
        return waiting


def _own_line(cause: SharedCause, change: PhaseChanged | None) -> str:
    return cause_line(cause) if change is None else change_line(change, cause.cause)
