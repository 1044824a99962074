"""The results of `show` and `mark`: tuples with a short text, a table in a notebook, and a DataFrame."""

from __future__ import annotations

from collections import Counter

from skaha_apply.model.counts import counted
from skaha_apply.model.display.value_table import Tabular, ValueTable, table_of
from skaha_apply.model.status import ReplicaHistory
from skaha_apply.render.run.lines import counts_line
from skaha_apply.workflow.mark import Mark


class Histories(Tabular, tuple[ReplicaHistory, ...]):
    """The histories that `show` returns."""

    __slots__ = ()


class Marks(Tabular, tuple[Mark, ...]):
    """The marks that `mark` returns."""

    __slots__ = ()


@table_of.register(Histories)
def histories_table(histories: Histories) -> ValueTable | None:
    """The history of one replica; for several replicas a row for each."""
    if len(histories) == 1:
        return table_of(histories[0])
    phases = Counter(one.status.phase for one in histories)
    return ValueTable(
        summary=(f"{counted(len(histories), 'replica')}: {counts_line(phases)}",),
        columns=("name", "phase", "attempts", "cause"),
        rows=[(one.status.name, one.status.phase, len(one.attempts), one.status.cause) for one in histories],
    )


@table_of.register(Marks)
def marks_table(marks: Marks) -> ValueTable:
    """A row for each mark, with the phase that the replica had."""
    return ValueTable(
        summary=(f"{counted(len(marks), 'replica')} marked",),
        columns=("name", "before"),
        rows=[(one.name, one.before.value if one.before else None) for one in marks],
    )
