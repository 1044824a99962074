from __future__ import annotations

import pytest
from reason_notes import note

from skaha_apply.model.progress.summary import EntrySummary
from skaha_apply.model.report import NotStarted
from skaha_apply.render.color import plain
from skaha_apply.render.run.entries import entry_line, entry_rows, not_started_rows, paint_rows
from skaha_apply.render.times import short_duration

TILES = EntrySummary(
    "tile-${tile}",
    {"pending": 4, "accepted": 1, "running": 8, "done": 40, "failed": 3, "wait": 244, "blocked": 2},
    ("tile-t017", "tile-t099", "tile-t123"),
    longest=840.0, longest_name="tile-t200", median=360.0,
)  # fmt: skip
SLOW = EntrySummary("merge", {"running": 1, "unknown": 2}, (), longest=90000.0, longest_name="merge-1", median=360.0)


def lines(rows):
    return paint_rows(rows, plain)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (11100, "3 h 05 min"),
        (187200, "2 d 04 h"),
    ],
)
def test_durations_are_short(seconds, text):
    assert short_duration(seconds) == text


def test_a_table_of_entries():
    assert lines(entry_rows([TILES, SLOW])) == [
        "entry         pending  running  done  failed  waiting  blocked  total  longest (median)    other",
        "tile-${tile}        5        8    40       3      244        2    302  14 min (6 min)",
        "merge               -        1     -       -        -        -      3  1 d 01 h (6 min) !  2 unknown",
    ]


@pytest.mark.parametrize("width", [20, 30, 40, 60, 79, 100])
@pytest.mark.parametrize("height", [2, 3, 10])
def test_rows_fit_a_screen_whatever_its_size_and_keep_what_is_done(width, height):
    many = [TILES, SLOW, *(EntrySummary(f"sweep-{number}-${{a}}-${{b}}", {"done": number}) for number in range(1, 30))]
    shown = lines(entry_rows(many, width, height))
    assert len(shown) == height
    assert max(map(len, shown)) <= width
    assert "done" in shown[0]
    assert shown[1].startswith("tile-${tile}"[:11])  # the busy ones stay
    assert height == 2 or shown[-1].startswith("… and ")


@pytest.mark.parametrize("size", [1, 99_999])
def test_a_column_with_a_count_is_never_dropped_in_60_columns(size):
    words = ("pending", "running", "done", "failed", "retry", "wait", "blocked", "unknown")
    entry = EntrySummary("tile-${tile}-${band}", dict.fromkeys(words[:7] if size > 1 else words, size))
    shown = lines(entry_rows([entry], 59))
    assert max(map(len, shown)) <= 59
    assert shown[1].split().count(str(size)) == len(entry.counts)
    retry = EntrySummary("reduce", {"retry": 3, "done": 2})
    assert lines(entry_rows([retry]))[0].split()[4:6] == ["failed", "retry"]
    assert entry_line(retry) == "reduce: 2 done, 3 to retry"


def test_a_line_names_what_failed_and_the_one_that_runs_far_beyond_the_others():
    assert entry_line(TILES) == (
        "tile-${tile}: 1 accepted, 4 pending, 8 running, 40 done, 3 failed (tile-t017, tile-t099, tile-t123), "
        "2 blocked, 244 waiting"
    )
    assert entry_line(SLOW) == "merge: 1 running, 2 unknown; merge-1 has been running for 1 d 01 h (median 6 min) !"
    many = EntrySummary("t", {"failed": 9}, tuple(f"t-{one}" for one in range(9)))
    assert entry_line(many) == "t: 9 failed (t-0, t-1, t-2, t-3, t-4 and 4 more)"


def needs(entry):
    return note(f"needs {entry} (1 of 1 not done)")


def test_reasons_are_grouped_by_what_they_have_in_common_and_bounded():
    tile_by_tile = [NotStarted("mosaic-${tile}", "wait", needs(f"reduce-t{n:03}"), 1) for n in range(300)]
    other = [NotStarted("mosaic-${tile}", "wait", note(f"needs {word}"), 1) for word in ("one", "two", "three", "four")]
    blocked = [NotStarted("combine", "blocked", note("needs mosaic: mosaic-t017 is failed\x1b[2J"), 1)]
    assert lines(not_started_rows([*tile_by_tile, *other, *blocked])) == [
        "* mosaic-${tile}: 300 waiting: needs reduce-t000 … reduce-t299 (1 of 1 not done)",
        "* mosaic-${tile}: 1 waiting: needs one",
        "* mosaic-${tile}: 1 waiting: needs two",
        "* mosaic-${tile}: 2 waiting for other reasons",
        r"x combine: 1 blocked: needs mosaic: mosaic-t017 is failed\x1b[2J",
    ]
    assert max(map(len, lines(not_started_rows(tile_by_tile, 30)))) <= 30
