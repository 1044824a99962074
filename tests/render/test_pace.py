"""The pace of a run: how much is done, how fast, how long it takes, and which replicas run far too long."""

from __future__ import annotations

import pytest

from skaha_apply.model.progress.summary import EntrySummary, Pace, ProjectSummary
from skaha_apply.planning.summary.pace import last_ends, project_pace, stragglers, time_left
from skaha_apply.render.run.pace import pace_document, pace_text, straggler_lines, summary_rows

NOW = 1_790_000_000.0
TILES = EntrySummary(
    "tile-${tile}",
    {"running": 4, "done": 46, "wait": 50},
    median=300.0,
    began=NOW - 3600,
    ends=((NOW - 1200, 16), (NOW - 600, 10), (NOW, 20)),
    left=time_left(300.0, [100.0, 100.0, 200.0, 290.0], 50, 4),
    open=54,
)
MERGE = EntrySummary("merge", {"wait": 1}, open=1, needs=("tile-${tile}",))


def test_the_time_that_is_left_follows_from_the_median_what_is_open_and_the_limit():
    assert time_left(300.0, [], 50, 10) == 1500.0
    assert time_left(300.0, [100.0, 200.0], 0, 2) == 200.0  # the last one ends in 200 s
    assert time_left(300.0, [900.0], 0, 1) == 0.0  # a straggler
    assert time_left(None, [1.0], 5, 1) is None
    assert time_left(300.0, [], 0, 1) is None


def test_the_pace_of_a_project():
    pace = project_pace([TILES, MERGE], NOW)
    assert (pace.done, pace.total, pace.elapsed, pace.not_estimated) == (46, 101, 3600.0, ("merge",))
    assert pace.rate == pytest.approx(46 / 3600)
    assert (pace.recent, pace.window, pace.quiet) == (46, 3600.0, 0.0)
    assert pace.left == pytest.approx((510 + 50 * 300) / 4)
    text = "45% done, 46/h, 1 h 00 min so far, at least 1 h 04 min left (no replica of merge has ended)"
    assert pace_text(pace) == text
    later = text.replace("1 h 00", "1 h 04").replace("1 h 04 min left", "1 h 00 min left")
    assert pace_text(pace, passed=240.0) == later
    assert "at least 1 h 04 min left (not before " in pace_text(pace, NOW)
    assert ": no replica of merge has ended)" in pace_text(pace, NOW)
    known = EntrySummary("merge", {"wait": 1, "done": 1}, median=60.0, left=60.0, open=1, needs=("tile-${tile}",))
    assert project_pace([TILES, known], NOW).left == pytest.approx(pace.left + 60)  # a dependent ends after it
    assert pace_document(pace)["rate_per_hour"] == pytest.approx(46)
    assert all(len(row[0][0]) <= 59 for row in summary_rows(ProjectSummary(NOW, (TILES,), pace), 59))


def test_the_rate_is_that_of_the_last_ends_and_not_of_an_earlier_hour():
    def project(*ends):
        others = [EntrySummary(name, {"running": 1}, began=NOW - 36_000, ends=times, open=1) for name, times in ends]
        return project_pace(others, NOW)

    minutes = [(NOW - 60 * one, 2) for one in range(20, -1, -1)]
    assert project(("a", tuple(minutes))).rate == pytest.approx(40 / 1200)  # the oldest of 21 times begins the window
    assert project(("a", tuple(minutes[1:]))).rate == pytest.approx(40 / 36_000)  # all that has ended, since the start
    early = [(NOW - 30_000 + one, 1) for one in range(21)]
    burst = project(("a", tuple(early)))
    assert (burst.recent, burst.window, burst.quiet) == (20, 30_000, 29_980)  # no rate of what happens now
    both = project(("a", tuple(early)), ("b", tuple(minutes)))
    assert both.rate == pytest.approx(40 / 1200)  # the entries share one window
    assert last_ends((), (*early, *minutes)) == tuple(minutes)
    assert project().rate is project(("a", ())).rate is None


def test_a_project_that_is_over_states_how_long_it_took_and_a_notebook_does_not_count():
    desk = EntrySummary("desk", {"running": 1}, open=1, batch=False, began=NOW - 9999)
    over = EntrySummary("tile", {"done": 3}, median=60.0, began=NOW - 3600, ends=((NOW - 1800, 3),))
    assert pace_text(project_pace([over, desk], NOW)) == "100% done, took 30 min"
    assert pace_text(Pace()) == ""


def test_replicas_over_3_times_the_median_are_named_the_longest_first():
    slow = stragglers([(1000.0, "t-1"), (901.0, "t-2"), (899.0, "t-3"), (5000.0, "t-4"), (4000.0, "t-5")], 300.0)
    assert [name for name, _ in slow] == ["t-4", "t-5", "t-1", "t-2"]
    lines = straggler_lines([EntrySummary("t", {"running": 5}, median=300.0, stragglers=slow)])
    assert lines[0] == "slow: t-4 has been running for 1 h 23 min (median 5 min)"
    assert lines[3] == "slow: 1 more over 3 times the median"
