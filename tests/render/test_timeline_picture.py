"""The picture of a run: whatever its size, deterministic, and with nothing of a name taken for a formula."""

from __future__ import annotations

import re
import struct

import pytest

from skaha_apply.model.progress.summary import EntrySummary, ProjectSummary
from skaha_apply.model.status import Lane, Segment, SegmentKind, Timeline
from skaha_apply.render.pictures.timeline import timeline_picture

pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")
T0 = 1_790_000_000.0


def lane(number, *kinds, entry="tile-${tile}"):
    begin = T0 + 10 * number
    waits = Segment(SegmentKind.WAITING, begin, begin + 60)
    runs = [Segment(kind, begin + 60 + 100 * place, begin + 150 + 100 * place) for place, kind in enumerate(kinds)]
    return Lane(f"tile-t{number:04}", entry, (waits, *runs), len(kinds))


def run(count):
    lanes = [lane(one, *([SegmentKind.FAILED] if one % 9 == 0 else []), SegmentKind.DONE) for one in range(count)]
    entries = (EntrySummary("tile-${tile}", {"done": count}), EntrySummary("combine", {"running": 1}))
    summary = ProjectSummary(T0 + 20 * count, entries)
    return Timeline("survey $x_1$", (*lanes, lane(count, SegmentKind.RUNNING, entry="combine")), summary)


def texts(svg):
    return set(re.findall(r"<!-- (.*?) -->", svg.decode()))


@pytest.mark.parametrize("count", [1, 5, 300, 3000])
def test_any_number_of_replicas_makes_a_picture_that_fits_a_slide(count):
    png = timeline_picture([run(count)], "png")
    width, height = struct.unpack(">II", png[16:24])
    assert width == 1650
    assert 600 <= height <= 1100
    assert len(png) < 500_000
    assert timeline_picture([run(count)], "png") == png
    assert len(timeline_picture([run(count)], "svg")) < 1_500_000


def test_few_replicas_have_their_names_many_those_of_their_entries():
    few = texts(timeline_picture([run(5)], "svg"))
    assert {"tile-t0004", "waiting", "running", "done", "failed", "time (UTC)"} <= few
    assert "survey $x_1$: 6 replicas" in few
    assert "1 running, 5 done, 1 with more than one attempt" in few
    many = texts(timeline_picture([run(300)], "svg"))
    assert {"tile-${tile} (300)", "combine (1)"} <= many
    assert "tile-t0004" not in many


def test_several_projects_none_with_anything_and_one_with_everything():
    summary = ProjectSummary(T0, (EntrySummary("all", {"done": 6}),))
    every = Timeline("all", tuple(lane(place, kind) for place, kind in enumerate(SegmentKind)), summary)
    drawn = texts(timeline_picture([Timeline("empty", (), ProjectSummary(T0)), every], "svg"))
    assert {"empty: 0 replicas", "all: 6 replicas", "deleted", "unknown"} <= drawn
