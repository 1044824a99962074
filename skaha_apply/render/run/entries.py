"""Entries of the manifest as rows that fit a screen: numbers by phase, the slowest, and what the rest waits for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.model.plan import ActionKind
from skaha_apply.model.session import Phase
from skaha_apply.render import action_labels
from skaha_apply.render.plan.groups import shared, skeleton
from skaha_apply.render.printable import cut, line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from skaha_apply.model.report import Family, Hold

    Span = tuple[str, str]  # text, style
    Row = tuple[Span, ...]

FAR = 3.0  # times the median, from which on a running replica is far beyond it
NAMES = 5  # names of failed replicas in a line
_REASONS = 3  # reasons that are told of one entry
_NAME = 12  # characters that a name keeps, however narrow the screen
_GAP = "  "
_MINUTE, _HOUR, _DAY = 60, 3600, 86400

# What each column counts; what none counts is told beside the numbers.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "pending": (Phase.ACCEPTED, Phase.PENDING),
    "running": (Phase.RUNNING, Phase.TERMINATING, Phase.OTHER),
    "done": (Phase.DONE,),
    "failed": (Phase.FAILED,),
    "waiting": (ActionKind.WAIT, ActionKind.CREATE, ActionKind.RETRY, Phase.DUE, Phase.GONE),
    "blocked": (ActionKind.BLOCKED,),
}
_COUNTED = frozenset(word for counted in COLUMNS.values() for word in counted)
_STYLES = {"running": "green", "failed": "bold red", "blocked": "magenta", "waiting": "blue"}
# Columns that a narrow screen does without, the first of them first.
_SPARED = ("blocked", "pending", "waiting", "longest running", "running", "failed", "total")


def brief(seconds: float) -> str:
    """A span of time in at most two units: `45s`, `14m`, `3h05m`, `2d04h`."""
    whole = int(seconds)
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m"
    if whole < _DAY:
        return f"{whole // _HOUR}h{whole % _HOUR // _MINUTE:02d}m"
    return f"{whole // _DAY}d{whole % _DAY // _HOUR:02d}h"


def ordered(counts: Mapping[str, int]) -> list[str]:
    """The phases that are not zero, in the order of their life; what a plan says of the rest comes after them."""
    order = [phase.value for phase in Phase]
    known = sorted(counts, key=lambda name: (order.index(name) if name in order else len(order), name))
    return [name for name in known if counts[name]]


def family_line(family: Family) -> str:
    """`tile-${tile}: 8 running, 40 done, 3 failed (t017, t099, t123), 249 waiting`, with the slowest one if far off."""
    parts = []
    for word in ordered(family.counts):
        names = f" ({some(family.failed, NAMES)})" if word == Phase.FAILED and family.failed else ""
        parts.append(f"{family.counts[word]} {action_labels.standing(line(word))}{names}")
    slow = f"; {line(family.longest_name)} has been running for {_elapsed(family)}" if _is_far(family) else ""
    return f"{line(family.name)}: {', '.join(parts) or 'nothing in scope'}{slow}"


def some(names: Sequence[str], most: int) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(line(name) for name in names[:most]) + more


def hold_rows(holds: Iterable[Hold], width: int | None = None) -> list[Row]:
    """What waits and why, one row an entry and reason; reasons that differ in numbers only are one."""
    grouped: dict[tuple[str, str], dict[str, list[Hold]]] = {}
    for hold in holds:
        grouped.setdefault((hold.family, hold.kind), {}).setdefault(skeleton(hold.reason), []).append(hold)
    rows: list[Row] = []
    for (family, kind), by_reason in grouped.items():
        look = action_labels.LOOKS[ActionKind(kind)]
        reasons = sorted(by_reason.values(), key=lambda same: -sum(hold.count for hold in same))
        for same in reasons[:_REASONS]:
            count = sum(hold.count for hold in same)
            rows.append(_hold_row(look, f"{line(family)}: {count} {look.count}: {line(_reason(same))}", width))
        if left := sum(hold.count for same in reasons[_REASONS:] for hold in same):
            rows.append(_hold_row(look, f"{line(family)}: {left} {look.count} for other reasons", width))
    return rows


def _hold_row(look: action_labels.Look, text: str, width: int | None) -> Row:
    room = None if width is None else width - len(look.symbol) - 1
    return ((look.symbol, look.style), (f" {text if room is None else cut(text, room)}", ""))


def _reason(same: Sequence[Hold]) -> str:
    return shared([hold.reason for hold in same])


def family_rows(families: Sequence[Family], width: int | None = None, height: int | None = None) -> list[Row]:
    """A table of entries with a heading.

    Args:
        families: the entries, in their order.
        width: characters of the screen; columns that do not fit are left out, the least telling first.
        height: rows that there is room for; entries beyond it are counted in the last row, the busy ones stay.
    """
    chosen, left = _chosen(families, height)
    columns = _columns(families, width)
    cells = [("entry", *columns), *((line(one.name), *(_cell(one, column) for column in columns)) for one in chosen)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns) + 1)]
    if width is not None:
        widths[0] = min(widths[0], max(_NAME, width - sum(widths[1:]) - len(_GAP) * len(columns)))
    rows = [_row(cells[0], widths, None, columns)]
    rows += [_row(row, widths, one, columns) for row, one in zip(cells[1:], chosen, strict=True)]
    if left:
        counts = sum((Counter(one.counts) for one in left), Counter[str]())
        rest = ", ".join(f"{counts[word]} {action_labels.standing(line(word))}" for word in ordered(counts))
        text = f"… and {action_labels.many(len(left), 'more entry').replace('entrys', 'entries')}: {rest}"
        rows.append(((text if width is None else cut(text, width), "dim"),))
    return rows


def painted(rows: Iterable[Row], ink: Callable[[str, str], str]) -> list[str]:
    """The rows as lines in colour."""
    return ["".join(ink(text, style) if style else text for text, style in row).rstrip() for row in rows]


def _chosen(families: Sequence[Family], height: int | None) -> tuple[list[Family], list[Family]]:
    room = len(families) if height is None else max(height - 1, 1)
    if len(families) <= room:
        return list(families), []
    busiest = sorted(range(len(families)), key=lambda place: (_rank(families[place]), place))
    kept = set(busiest[: max(room - 1, 1)])
    if room == 1:
        return [families[busiest[0]]], []
    inside = [one for place, one in enumerate(families) if place in kept]
    return inside, [one for place, one in enumerate(families) if place not in kept]


def _rank(family: Family) -> int:
    telling = ("failed", "running", "pending", "blocked", "waiting")
    return next((rank for rank, column in enumerate(telling) if _count(family, column)), len(telling))


def _columns(families: Sequence[Family], width: int | None) -> list[str]:
    columns = [*COLUMNS, "total", "longest running"]
    if any(_others(one) for one in families):
        columns.append("other")
    if not any(one.longest is not None for one in families):
        columns.remove("longest running")
    if width is None:
        return columns
    empty = [one for one in ("blocked", "waiting", "pending") if not any(_count(each, one) for each in families)]
    for spared in (*empty, "other", *_SPARED):
        if _width(families, columns) <= width:
            break
        if spared in columns:
            columns.remove(spared)
    return columns


def _width(families: Sequence[Family], columns: Sequence[str]) -> int:
    numbers = sum(max(len(column), *(len(_cell(one, column)) for one in families)) for column in columns)
    names = max((len(one.name) for one in families), default=0)
    return min(max(names, len("entry")), 2 * _NAME) + numbers + len(_GAP) * len(columns)


def _count(family: Family, column: str) -> int:
    return sum(family.counts.get(word, 0) for word in COLUMNS[column])


def _cell(family: Family, column: str) -> str:
    if column == "longest running":
        return _elapsed(family)
    if column == "other":
        return _others(family)
    number = family.total if column == "total" else _count(family, column)
    return str(number) if number else "-"


def _others(family: Family) -> str:
    rest = [word for word in ordered(family.counts) if word not in _COUNTED]
    return ", ".join(f"{family.counts[word]} {action_labels.standing(line(word))}" for word in rest)


def _elapsed(family: Family) -> str:
    if family.longest is None:
        return ""
    median = "" if family.median is None else f" (median {brief(family.median)})"
    return f"{brief(family.longest)}{median}{' !' if _is_far(family) else ''}"


def _is_far(family: Family) -> bool:
    if family.longest is None or family.median is None:
        return False
    return family.longest > FAR * max(family.median, 1.0)


def _row(cells: Sequence[str], widths: Sequence[int], family: Family | None, columns: Sequence[str]) -> Row:
    spans: list[Span] = [(f"{cut(cells[0], widths[0]):<{widths[0]}}", "" if family else "bold")]
    for cell, width, column in zip(cells[1:], widths[1:], columns, strict=True):
        padded = f"{cell:<{width}}" if column in ("longest running", "other") else f"{cell:>{width}}"
        spans.append((_GAP + padded, _style(family, column)))
    return tuple(spans)


def _style(family: Family | None, column: str) -> str:
    if family is None:
        return "bold"
    if column == "longest running":
        return "bold yellow" if _is_far(family) else ""
    if column == "other":
        return "bold yellow"
    return _STYLES.get(column, "") if column in COLUMNS and _count(family, column) else ""
