"""The strip of an entry: a character for each replica in order, the worst of several, within the screen."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reason_notes import note
from test_board import Screen, board

from skaha_apply.cli.output.outlet import Outlet
from skaha_apply.model.progress.summary import EntrySummary, ProgressGroup, ProjectSummary
from skaha_apply.model.report import NotStarted, PassEnded
from skaha_apply.render.run.strip import strip_row

DONE, RUNNING, QUEUED, RETRYING, BLOCKED, FAILED, OTHER = ProgressGroup
WORST_FIRST = [FAILED, OTHER, BLOCKED, RETRYING, RUNNING, QUEUED, DONE]
CHARACTERS = dict(zip("X▚▄▒▓░█", WORST_FIRST, strict=True))


def text(row):
    return "".join(part for part, _ in row)


def test_a_replica_is_a_character_with_the_color_of_its_group():
    row = strip_row([DONE, DONE, FAILED, RETRYING, RUNNING, QUEUED, BLOCKED, OTHER], 60)
    assert text(row) == "  ██X▒▓░▄▚"
    assert [style for _, style in row[1:4]] == ["", "bold red", "yellow"]


@given(st.lists(st.sampled_from(ProgressGroup), min_size=1, max_size=400), st.integers(1, 140))
def test_a_strip_fits_and_the_worst_group_of_a_cell_wins(groups, width):
    shown = text(strip_row(groups, width))[2:]
    room = max(width - 2, 1)
    assert len(shown) == min(len(groups), room)
    parts = [groups[len(groups) * n // len(shown) : len(groups) * (n + 1) // len(shown)] for n in range(len(shown))]
    assert [CHARACTERS[one] for one in shown] == [min(part, key=WORST_FIRST.index) for part in parts]


def test_a_terminal_without_utf_8_gets_other_characters():
    raw = io.BytesIO()
    outlet = Outlet(io.TextIOWrapper(raw, encoding="latin-1"))
    outlet.write(text(strip_row(list(ProgressGroup), 60)) + "\n")
    outlet.flush()
    assert raw.getvalue() == b"  #=.~!X?\n"


def passed(count, entries=3, reasons=0):
    groups = [FAILED if one == count // 2 else DONE if one < count // 2 else QUEUED for one in range(count)]
    counts = Counter({"done": count // 2, "failed": 1, "wait": count - count // 2 - 1})
    names = [f"tile-{number}-${{tile}}" for number in range(entries)]
    summary = ProjectSummary(0.0, tuple(EntrySummary(name, counts) for name in names))
    not_started = tuple(NotStarted(names[0], "wait", note(f"needs stage-{chr(97 + one)}"), 1) for one in range(reasons))
    return PassEnded("survey", summary, not_started, lambda: dict.fromkeys(names, groups))


@pytest.mark.parametrize("columns", [60, 80, 140])
@pytest.mark.parametrize("count", [2, 100, 20_000])
def test_a_live_table_shows_a_strip_below_each_entry(columns, count):
    screen = Screen(columns, 24)
    board(screen)(passed(count))
    rows = screen.shown
    assert max(map(len, rows)) < columns
    strips = [row for row in rows if row.startswith("  ")]
    assert len(strips) == 3
    assert all(row.count("X") == 1 and len(row) == min(count, columns - 3) + 2 for row in strips)
    assert [row.split()[0] for row in rows[1::2]] == [f"tile-{number}-${{tile}}" for number in range(3)]


@pytest.mark.parametrize("lines", range(4, 30))
def test_strips_take_only_rows_that_nothing_else_needs(lines):
    with_strips, without = Screen(80, lines), Screen(80, lines)
    event = passed(50, entries=6, reasons=3)
    board(with_strips)(event)
    board(without)(PassEnded(event.project, event.summary, event.not_started))
    assert len(with_strips.shown) < lines
    strips = [row for row in with_strips.shown if "X" in row]
    assert [row for row in with_strips.shown if "X" not in row] == without.shown
    assert len(strips) == max(0, min(6, lines - 1 - len(without.shown)))


def test_a_replica_alone_has_no_strip():
    screen = Screen(80, 24)
    summary = ProjectSummary(0.0, (EntrySummary("merge", {"failed": 1}),))
    board(screen)(PassEnded("survey", summary, (), lambda: {"merge": [FAILED]}))
    assert len(screen.shown) == 2
