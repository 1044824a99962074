"""Rows for the entries of a manifest: replicas by phase, the longest run, and why others do not start."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.counts import counted
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.progress.summary import GROUP_WORDS, PENDING_WORDS, WAITING_WORDS, ProgressGroup
from skaha_apply.model.session import Phase
from skaha_apply.planning.summary.pace import SLOW
from skaha_apply.render import action_labels
from skaha_apply.render.plan.groups import shared, skeleton
from skaha_apply.render.printable import one_line, truncate
from skaha_apply.render.times import short_duration
from skaha_apply.render.wrapped_text import wrapped_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from skaha_apply.model.progress.summary import EntrySummary
    from skaha_apply.model.report import NotStarted

    StyledText = tuple[str, str]  # text, style
    StyledRow = tuple[StyledText, ...]

NAMES = 5  # names of failed replicas in a line
_REASONS = 3  # reasons shown for one entry
_NARROW = 59  # columns of a screen, above which every column with a count is shown
_NAME, _SHORTEST_NAME = 12, 8  # characters of a name that are shown at least, on a narrower screen and on others
_WORD = 5  # characters of the heading of a column on a narrow screen
_INDENT = 2  # columns by which a reason is continued
_GAP = "  "
_LONGEST = "longest (median)"  # the column of the longest run time

# The phases and actions that each column counts. All others are listed in the column `other`.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "pending": PENDING_WORDS,
    "running": GROUP_WORDS[ProgressGroup.RUNNING],
    "done": GROUP_WORDS[ProgressGroup.DONE],
    "failed": GROUP_WORDS[ProgressGroup.FAILED],
    "retry": GROUP_WORDS[ProgressGroup.RETRYING],
    "waiting": WAITING_WORDS,
    "blocked": GROUP_WORDS[ProgressGroup.BLOCKED],
}
_COUNTED = frozenset(word for counted in COLUMNS.values() for word in counted)
_STYLES = {"running": "green", "failed": "bold red", "retry": "yellow", "blocked": "magenta", "waiting": "blue"}
# Names of the columns on a narrow screen.
_SHORT = {
    "pending": "pend", "running": "run", "failed": "fail", "waiting": "wait", "blocked": "block", "total": "all",
    "unknown": "unkn", "conflict": "conf", "protected": "prot",
}  # fmt: skip
# Columns that are removed on an even narrower screen, in this order.
_REMOVABLE = ("blocked", "retry", "pending", "waiting", "running", "failed")


def ordered(counts: Mapping[str, int]) -> list[str]:
    """The words with a count above zero: phases in the order of a session, then kinds of actions."""
    order = [phase.value for phase in Phase]
    known = sorted(counts, key=lambda name: (order.index(name) if name in order else len(order), name))
    return [name for name in known if counts[name]]


def entry_line(entry: EntrySummary) -> str:
    """`tile-${tile}: 8 running, 40 done, 3 failed (t017, t099, t123), 249 waiting`, and the slowest replica."""
    parts = []
    for word in ordered(entry.counts):
        names = f" ({first_names(entry.failed, NAMES)})" if word == Phase.FAILED and entry.failed else ""
        parts.append(f"{entry.counts[word]} {action_labels.phase_label(one_line(word))}{names}")
    slow = (
        f"; {one_line(entry.longest_name)} has been running for {_elapsed(entry, 'median ')}" if _is_slow(entry) else ""
    )
    return f"{one_line(entry.name)}: {', '.join(parts) or 'nothing in scope'}{slow}"


def median_text(entry: EntrySummary) -> str:
    """`9 min`, or `at most 9 min` if the end of no replica is known closely; the entry has a median."""
    return f"{'at most ' if entry.median_is_upper_bound else ''}{short_duration(entry.median or 0.0)}"


def first_names(names: Sequence[str], most: int) -> str:
    """The first names, and the number of the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(one_line(name) for name in names[:most]) + more


def not_started_rows(
    not_started: Iterable[NotStarted], width: int | None = None, complete: Callable[[str], str] = str
) -> list[StyledRow]:
    """One row for each entry and reason not to start; reasons that differ only in numbers share a row.

    `complete` returns a reason whose commands have the options of the invocation.
    """
    grouped: dict[tuple[str, str], dict[tuple[str, ...], list[NotStarted]]] = {}
    for one in not_started:
        grouped.setdefault((one.entry, one.kind), {}).setdefault(skeleton(one.reason), []).append(one)
    rows: list[StyledRow] = []
    for (entry, kind), by_reason in grouped.items():
        label = action_labels.LABELS[ActionKind(kind)]
        reasons = sorted(by_reason.values(), key=lambda same: -sum(one.count for one in same))
        for same in reasons[:_REASONS]:
            count = sum(one.count for one in same)
            rows += _row_of(
                label, f"{one_line(entry)}: {count} {label.count}: {complete(one_line(_reason(same)))}", width
            )
        if left := sum(one.count for same in reasons[_REASONS:] for one in same):
            rows += _row_of(label, f"{one_line(entry)}: {left} {label.count} for other reasons", width)
    return rows


def _row_of(label: action_labels.ActionLabel, text: str, width: int | None) -> list[StyledRow]:
    """A text behind the symbol of an action, in several rows if the screen is too narrow."""
    room = None if width is None else max(width - len(label.symbol) - 1, 1)
    first, *others = [text] if room is None else wrapped_lines(text, room, _INDENT)
    rows: list[StyledRow] = [((label.symbol, label.style), (f" {first}", ""))]
    return rows + [((f"{' ' * (len(label.symbol) + 1)}{other}", ""),) for other in others]


def _reason(same: Sequence[NotStarted]) -> str:
    return shared([one.reason for one in same])


def entry_rows(
    entries: Sequence[EntrySummary],
    width: int | None = None,
    height: int | None = None,
    strips: Strips | None = None,
) -> list[StyledRow]:
    """A table of entries with a heading.

    Args:
        entries: the entries in manifest order.
        width: columns of the screen; table columns that do not fit are removed, the least useful first.
        height: rows of the screen; the busiest entries are shown, and the last row counts the others.
        strips: rows that stand below their entry.
    """
    chosen, left = _chosen(entries, height)
    headings = _headings(entries, width)
    columns = list(headings)
    cells = [
        ("entry", *headings.values()),
        *((one_line(one.name), *(_cell(one, column) for column in columns)) for one in chosen),
    ]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns) + 1)]
    if width is not None:
        widths[0] = min(widths[0], max(_least_name(width), width - sum(widths[1:]) - len(_GAP) * len(columns)))
    rows = [_row(cells[0], widths, None, columns)]
    below = strips.chosen(chosen) if strips is not None else {}
    for row, one in zip(cells[1:], chosen, strict=True):
        rows += [_row(row, widths, one, columns), *below.get(one.name, ())]
    if left:
        counts = sum((Counter(one.counts) for one in left), Counter[str]())
        rest = ", ".join(f"{counts[word]} {action_labels.phase_label(one_line(word))}" for word in ordered(counts))
        text = f"… and {counted(len(left), 'more entry', 'more entries')}: {rest}"
        rows.append(((text if width is None else truncate(text, width), "dim"),))
    return rows


@dataclass(frozen=True)
class Strips:
    """The grids of entries by their names in lower case, a row each, and the number of rows that are free for them."""

    rows: Mapping[str, StyledRow]
    free: int

    def chosen(self, entries: Sequence[EntrySummary]) -> dict[str, tuple[StyledRow, ...]]:
        """The strips of the busiest of these entries, by name, as far as rows are free; one replica has none."""
        known = [one for one in entries if one.total > 1 and one.name.casefold() in self.rows]
        busiest = sorted(known, key=_busyness)[: max(self.free, 0)]
        return {one.name: (self.rows[one.name.casefold()],) for one in busiest}


def paint_rows(rows: Iterable[StyledRow], paint: Callable[[str, str], str]) -> list[str]:
    """The rows as colored lines."""
    return ["".join(paint(text, style) if style else text for text, style in row).rstrip() for row in rows]


def _chosen(entries: Sequence[EntrySummary], height: int | None) -> tuple[list[EntrySummary], list[EntrySummary]]:
    room = len(entries) if height is None else max(height - 1, 1)
    if len(entries) <= room:
        return list(entries), []
    busiest = sorted(range(len(entries)), key=lambda index: (_busyness(entries[index]), index))
    kept = set(busiest[: max(room - 1, 1)])
    if room == 1:
        return [entries[busiest[0]]], []
    inside = [one for index, one in enumerate(entries) if index in kept]
    return inside, [one for index, one in enumerate(entries) if index not in kept]


def _busyness(entry: EntrySummary) -> int:
    columns_by_rank = ("failed", "running", "pending", "blocked", "waiting")
    return next((rank for rank, column in enumerate(columns_by_rank) if _count(entry, column)), len(columns_by_rank))


def _headings(entries: Sequence[EntrySummary], width: int | None) -> dict[str, str]:
    """The columns with their headings. If they are too wide, empty columns go first, then words are shortened.

    A column with a count goes only on a screen with fewer than 60 columns.
    """
    least = None if width is None else _least_name(width)
    for headings in _layouts(entries):
        name = 2 * _NAME if headings.get("running") == "running" else least
        if width is None or _width(entries, headings, name or 0) <= width:
            return headings
    for column in (*_REMOVABLE, *(column for column in tuple(headings) if column != "done")):
        headings.pop(column, None)
        if _width(entries, headings, least or 0) <= (width or 0):
            break
    return headings


def _layouts(entries: Sequence[EntrySummary]) -> Iterator[dict[str, str]]:
    """Layouts of the table, each narrower than the one before."""
    used = {column for column in COLUMNS if any(_count(one, column) for one in entries)}
    columns = [column for column in COLUMNS if column != "retry" or column in used]
    columns += ["total"] + ([_LONGEST] if any(one.longest is not None for one in entries) else [])
    words = ordered(sum((Counter(one.counts) for one in entries), Counter[str]()))
    others = [word for word in words if word not in _COUNTED]
    yield {column: column for column in (*columns, *(["other"] if others else []))}
    for empty in ("blocked", "waiting", "pending"):
        columns = [column for column in columns if column != empty or column in used]
        yield {column: column for column in (*columns, *(["other"] if others else []))}
    columns = [column for column in columns if column != _LONGEST]
    yield {column: column for column in (*columns, *(["other"] if others else []))}
    columns += others
    yield {column: _SHORT.get(column, column) for column in columns}
    columns = [column for column in columns if column in (*used, *others, "done", "total")]
    yield {column: _SHORT.get(column, column[:_WORD]) for column in columns}
    yield {column: _SHORT.get(column, column[:_WORD]) for column in columns if column != "total"}


def _least_name(width: int) -> int:
    """The characters of the name of an entry that are shown at least."""
    return _NAME if width < _NARROW else _SHORTEST_NAME


def _width(entries: Sequence[EntrySummary], headings: Mapping[str, str], name: int) -> int:
    numbers = sum(
        max([len(heading), *(len(_cell(one, column)) for one in entries)]) for column, heading in headings.items()
    )
    longest = max((len(one.name) for one in entries), default=0)
    return min(max(longest, len("entry")), name) + numbers + len(_GAP) * len(headings)


def _count(entry: EntrySummary, column: str) -> int:
    return sum(entry.counts.get(word, 0) for word in COLUMNS.get(column, (column,)))


def _cell(entry: EntrySummary, column: str) -> str:
    if column == _LONGEST:
        return _elapsed(entry)
    if column == "other":
        return _others(entry)
    number = entry.total if column == "total" else _count(entry, column)
    return str(number) if number else "-"


def _others(entry: EntrySummary) -> str:
    rest = [word for word in ordered(entry.counts) if word not in _COUNTED]
    return ", ".join(f"{entry.counts[word]} {action_labels.phase_label(one_line(word))}" for word in rest)


def _elapsed(entry: EntrySummary, word: str = "") -> str:
    if entry.longest is None:
        return ""
    median = "" if entry.median is None else f" ({word}{median_text(entry)})"
    return f"{short_duration(entry.longest)}{median}{' !' if _is_slow(entry) else ''}"


def _is_slow(entry: EntrySummary) -> bool:
    if entry.longest is None or entry.median is None:
        return False
    return entry.longest > SLOW * max(entry.median, 1.0)


def _row(cells: Sequence[str], widths: Sequence[int], entry: EntrySummary | None, columns: Sequence[str]) -> StyledRow:
    parts: list[StyledText] = [(f"{truncate(cells[0], widths[0]):<{widths[0]}}", "" if entry else "bold")]
    for cell, width, column in zip(cells[1:], widths[1:], columns, strict=True):
        padded = f"{cell:<{width}}" if column in (_LONGEST, "other") else f"{cell:>{width}}"
        parts.append((_GAP + padded, _style(entry, column)))
    return tuple(parts)


def _style(entry: EntrySummary | None, column: str) -> str:
    if entry is None:
        return "bold"
    if column == _LONGEST:
        return "bold yellow" if _is_slow(entry) else ""
    if column == "other":
        return "bold yellow"
    return _STYLES.get(column, "" if column in (*COLUMNS, "total") else "bold yellow") if _count(entry, column) else ""
