"""The page as a document: its numbers, its size, and texts that stay texts."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace

import pytest
from surveys import T0, data_of, survey, survey_of_failures, survey_of_retries

from skaha_apply.model.status import Lane, Segment, SegmentKind
from skaha_apply.render.page.columns import column, names_column
from skaha_apply.render.page.page import page_parts
from skaha_apply.render.page.series import queue_wait, running_and_queued
from skaha_apply.render.page.words import CLASSES, word_of

MOST_BYTES = 1_500_000  # of a page with 20,000 replicas


def block_of(html):
    """The data of a page, as a browser reads it."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    return json.loads(text)


def expanded(packed):
    if "v" in packed:
        return packed["v"]
    runs = packed["r"]
    return [value for place in range(0, len(runs), 2) for value in [runs[place]] * runs[place + 1]]


def test_the_counts_are_those_of_the_status(tiles):
    (project,) = data_of(tiles)["projects"]
    words = Counter()
    for entry in tiles.status.entries:
        words.update(entry.counts)
    assert project["counts"] == {group.value: count for group, count in tiles.status.summary.groups.items() if count}
    assert project["hours"]["used"] == round(tiles.status.summary.core_hours.used, 2)
    assert (
        project["total"]
        == sum(words.values())
        == sum(len(expanded(one["replicas"]["word"])) for one in project["entries"])
    )


def test_entries_and_replicas_are_in_the_order_of_the_manifest(tiles):
    (project,) = data_of(tiles)["projects"]
    assert [one["name"] for one in project["entries"]] == ["prepare", "tile-${tile}", "stack-${tile}", "catalog"]
    names = project["entries"][1]["replicas"]["names"]
    assert [names["p"] + rest for rest in names["v"]] == [
        spec.name for spec in tiles.sessions if spec.group == "tile-${tile}"
    ]


def test_each_replica_has_the_word_that_its_entry_counts(tiles):
    rows = Counter(word_of(row) for row in tiles.status.rows)
    counted = sum((Counter(entry.counts) for entry in tiles.status.entries), Counter())
    assert rows == counted


def test_failures_of_three_causes_are_three_lines_whose_commands_select_them(tiles):
    (project,) = data_of(tiles)["projects"]
    failed = [row for row in tiles.status.rows if row.cause]
    assert [one["cause"] for one in project["causes"]] == [
        "FileNotFoundError: …",
        "OSError: No SIMPLE card found",
        "MemoryError",
    ]
    assert sum(one["count"] for one in project["causes"]) == len(failed)
    marked = [name for one in project["causes"] for name in one["command"].split()[3:-1]]
    assert sorted(marked) == sorted(row.session for row in failed)


def test_a_cause_with_very_many_replicas_has_a_command_for_all_failures(large_page):
    (project,) = block_of(large_page)["projects"]
    assert [one["for_all"] for one in project["causes"]] == [False] * 3
    replicated = survey_of_failures(2000)
    (cause,) = data_of(replicated)["projects"][0]["causes"]
    assert cause["command"] == "skaha-apply mark rerun reduce/1-2000 --sandbox"
    (cause,) = data_of(survey_of_failures(501, each=True))["projects"][0]["causes"]
    assert (cause["for_all"], cause["command"]) == (True, "skaha-apply mark rerun --phase failed --sandbox")


@pytest.mark.parametrize("values", [[], [1], [1, 1, 1, 2, None, None, None], list(range(9)), ["", "", "a"]])
def test_columns_keep_all_values(values):
    assert expanded(column(values)) == values


def test_numbered_names_are_not_listed():
    assert names_column([f"tile-{n}" for n in range(8, 12)]) == {"p": "tile-", "a": 8, "n": 4}
    assert names_column(["tile-08", "tile-09"]) == {"p": "tile-", "v": ["08", "09"]}
    assert names_column([]) == {"p": "", "v": []}


def test_a_page_of_20000_replicas_is_small(large_page):
    assert block_of(large_page)["projects"][0]["total"] == 20_002
    assert len(large_page.encode()) < MOST_BYTES


def test_failures_that_are_retried_are_listed_apart_from_final_ones():
    (project,) = data_of(survey_of_retries())["projects"]
    assert project["causes"] == []
    assert [(one["cause"], one["count"], one["examples"]) for one in project["retries"]] == [
        ("FileNotFoundError: …", 2, ["tile-t00003", "tile-t00006"]),
        ("ValueError: No SIMPLE card found", 1, ["tile-t00004"]),
    ]
    assert {one["command"] for one in project["retries"]} == {""}
    tiles = project["entries"][0]
    assert expanded(tiles["replicas"]["k"])[:6] == [0, 0, 1, 2, 0, 1]
    assert (tiles["retried"], tiles["counts"].get("failed")) == (3, None)
    (public,) = data_of(survey_of_retries(), public=True)["projects"]
    assert (public["failed"], public["retried"]) == ([], [{"entry": "tile-${tile}", "count": 3}])
    assert "FileNotFoundError" not in json.dumps(public)


def test_an_entry_that_its_failure_limit_stopped_has_the_command_that_lets_it_continue():
    (project,) = data_of(survey(2000))["projects"]
    (stopped,) = [one for one in project["next"]["does_not"] if "in a row" in one["why"]]
    assert stopped["why"] == "stopped after 25 failed attempts in a row; fix the cause, then mark the failed replicas"
    assert stopped["command"] == "skaha-apply mark rerun 'tile-${tile}' --phase failed --sandbox"
    assert stopped["why"] in project["texts"]


def test_a_queued_replica_that_the_next_apply_deletes_does_not_run_again_by_itself():
    page = survey(2000)
    deleted = {row.name for row in page.status.rows if row.action == "delete" and row.attempt > 1}
    (project,) = data_of(page)["projects"]
    assert len(deleted) == 2
    assert [(one["cause"], one["count"]) for one in project["retries"]] == [("MemoryError", 7)]


def test_a_public_page_names_the_entries_that_leave_the_end_unknown():
    for public in (False, True):
        (project,) = data_of(survey_of_retries(), public=public)["projects"]
        assert project["pace"]["not_estimated"] == ["stack-${tile}", "catalog"]


def test_a_replica_that_waits_for_all_states_the_share_that_must_succeed():
    (project,) = data_of(survey_of_retries())["projects"]
    text = "needs stack-${tile} (12 of 12 not ended); it starts after that if 95 % succeeded"
    assert [one["why"] for one in project["next"]["does_not"] if one["entry"] == "catalog"] == [text]
    assert text in project["texts"]
    assert project["next"]["full"] == ["4 of 4 slots of tile-${tile} are taken"]


def test_the_sessions_whose_end_no_listing_showed_are_counted(tiles):
    run = SegmentKind.DONE
    segments = (Segment(run, T0, T0 + 60, T0 + 45), Segment(run, T0 + 60, T0 + 90), Segment(run, T0 + 99, T0 + 99))
    drawn = replace(tiles.timeline, lanes=(Lane("a", "a", segments), Lane("b", "b", segments[:1])))
    assert running_and_queued(drawn, int(T0))["unseen"] == 2


def test_the_wait_in_the_queue_counts_sessions_that_still_wait(tiles):
    wait, run = SegmentKind.WAITING, SegmentKind.RUNNING
    started = Lane("a", "a", (Segment(wait, T0, T0 + 60), Segment(run, T0 + 60, T0 + 18_000)))
    retried = Lane("b", "b", (Segment(SegmentKind.FAILED, T0, T0 + 90), Segment(wait, T0 + 17_000, T0 + 18_000)))
    waits = Lane("c", "c", (Segment(wait, T0 + 60, T0 + 18_000),))
    found = queue_wait(replace(tiles.timeline, lanes=(started, retried, waits)))
    assert (found["n"], found["p100"], found["waiting"], found["oldest"]) == (1, 60, 2, 17_940)
    assert queue_wait(replace(tiles.timeline, lanes=(started,)))["oldest"] is None


def luminance(color):
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_the_squares_of_each_class_have_enough_contrast():
    schemes = [dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", one)) for one in page_parts().style.split(":root {")[1:3]]
    for colors in schemes:
        for name in CLASSES:
            dark, light = sorted((luminance(colors[name]), luminance(colors["card"])))
            assert (light + 0.05) / (dark + 0.05) >= 3, (name, colors[name])
