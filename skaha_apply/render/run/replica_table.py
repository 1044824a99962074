"""The table of replicas that `status` prints: a row for each, with a remark next to it or below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.plan import ActionKind
from skaha_apply.model.session import Phase
from skaha_apply.render.printable import one_line, truncate
from skaha_apply.render.reasons import reason_text
from skaha_apply.render.run.peak_use import used_text
from skaha_apply.render.times import short_duration, short_time
from skaha_apply.render.wrapped_text import wrapped_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from skaha_apply.model.status import ReplicaStatus
    from skaha_apply.render.run.entries import StyledRow

_STYLES = {
    Phase.RUNNING.value: "green",
    Phase.DONE.value: "dim",
    Phase.FAILED.value: "bold red",
    Phase.UNKNOWN.value: "bold yellow",
    ActionKind.RETRY.value: "yellow",
}
_QUIET = frozenset(kind.value for kind in ActionKind if kind.is_quiet)
_HEAD = ("NAME", "REPLICA", "PHASE", "ID", "ATTEMPT", "STARTED", "ENDED")
_NAME, _REPLICA, _PHASE, _ID, _ATTEMPT = range(5)  # columns
_GAP = "  "
_WIDTH = 60  # characters of one cell
_EVENT = 160  # characters of an event
_LEAST_NAME = 12  # characters of a name that are shown at least
_LEAST_REMARK = 30  # columns of a remark next to its row
_INDENT = 4  # columns before a remark below its row


def table_rows(
    rows: Sequence[ReplicaStatus], now: float, width: int | None = None, complete: Callable[[str], str] = str
) -> list[StyledRow]:
    """A heading, and a row for each replica.

    Args:
        rows: the replicas.
        now: the time of the listing in Unix seconds; times of the same day are shown without their date.
        width: columns of the screen; remarks are wrapped between words, below their row if there is no room next to it.
        complete: completes the commands of reasons; see `not_started_rows`.
    """
    cells = [_HEAD, *(_cells(row, now) for row in rows)]
    widths = _widths(cells, width)
    used = sum(widths.values()) + len(_GAP) * len(widths)
    texts = ("; ".join(filter(None, (_remark(row, complete), used_text(row.used)))) for row in rows)
    remarks = ["REMARK", *map(one_line, texts)]
    room = None if width is None else width - used
    below = room is not None and room < max(map(len, remarks)) and room < _LEAST_REMARK
    remarks[0] = "" if below else remarks[0]
    lines: list[StyledRow] = []
    for number, (row, remark) in enumerate(zip(cells, remarks, strict=True)):
        style = "bold" if number == 0 else _STYLES.get(row[_PHASE], "")
        shown = {column: f"{truncate(row[column], size):<{size}}" for column, size in widths.items()}
        before = _GAP.join(text for column, text in shown.items() if column < _PHASE) + _GAP
        after = "".join(_GAP + text for column, text in shown.items() if column > _PHASE)
        if below:
            lines.append(((before, ""), (shown[_PHASE], style), (after.rstrip(), "")))
            lines += _continued(remark, width or 0, _INDENT)
        else:
            first, *others = [remark] if room is None else wrapped_lines(remark, room, 0)
            lines.append(((before, ""), (shown[_PHASE], style), (f"{after}{_GAP}{first}".rstrip(), "")))
            lines += [((" " * used + other, ""),) for other in others]
    return lines


def _continued(remark: str, width: int, indent: int) -> list[StyledRow]:
    if not remark:
        return []
    return [((" " * indent + line, ""),) for line in wrapped_lines(remark, width - indent, 0)]


def _widths(cells: Sequence[tuple[str, ...]], width: int | None) -> Mapping[int, int]:
    """The widths of the columns that are shown. On a narrow screen, columns that state nothing go first."""
    widths = {column: max(len(row[column]) for row in cells) for column in range(len(_HEAD))}
    if width is None:
        return widths
    needless = [
        column for column, quiet in ((_REPLICA, ("1",)), (_ATTEMPT, ("-", "1"))) if _states_only(cells, column, quiet)
    ]
    for column in (*needless, _ID):
        if sum(widths.values()) + len(_GAP) * (len(widths) - 1) > width:
            widths.pop(column)
    over = sum(widths.values()) + len(_GAP) * (len(widths) - 1) - width
    widths[_NAME] = max(widths[_NAME] - max(over, 0), min(widths[_NAME], _LEAST_NAME))
    return widths


def _states_only(cells: Sequence[tuple[str, ...]], column: int, quiet: tuple[str, ...]) -> bool:
    return all(row[column] in quiet for row in cells[1:])


def _cells(row: ReplicaStatus, now: float) -> tuple[str, ...]:
    texts = (
        row.name,
        str(row.replica),
        _phase(row),
        row.id or "-",
        _attempt(row),
        "-" if row.started is None else short_time(row.started, now),
        "-" if row.ended is None else f"by {short_time(row.ended, now)}",
    )
    return tuple(truncate(one_line(text), _WIDTH) for text in texts)


def _phase(row: ReplicaStatus) -> str:
    """The phase; `retry` for a failed replica that runs again."""
    runs_again = row.action in (ActionKind.RETRY.value, ActionKind.WAIT.value) and row.phase == Phase.FAILED.value
    return ActionKind.RETRY.value if runs_again else row.phase


def _attempt(row: ReplicaStatus) -> str:
    """The number of the attempt; `2 of 3` if several are allowed; with the RAM that it requested if that can differ."""
    if not row.attempt:
        return "-"
    ram = "" if row.ram is None else f", {row.ram:g} GB"
    return f"{row.attempt} of {max(row.attempts, row.attempt)}{ram}" if row.attempts > 1 else f"{row.attempt}{ram}"


def _remark(row: ReplicaStatus, complete: Callable[[str], str]) -> str:
    """The address of the session, or the action and reason of a plan if the phase does not imply them.

    `complete` gets the reason alone: a cause or an event is text of a session, and stays as it is.
    """
    reason = reason_text(row.reason)
    completed = complete(reason)
    if row.event and row.pending is not None:
        return f"pending for {short_duration(row.pending)}: {truncate(row.event, _EVENT)}"
    if row.action in _QUIET:
        if row.phase == Phase.RUNNING.value:
            return row.connect_url
        return "" if row.reason.code == row.phase and row.reason.also is None else completed
    if row.cause and row.cause not in reason:
        completed = f"{completed}: {row.cause}"
    return completed if row.action in (row.phase, ActionKind.FAILED.value) else f"{row.action}: {completed}"
