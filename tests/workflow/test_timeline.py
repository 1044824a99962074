"""From records to lanes: every attempt that is remembered, and no time that nobody saw."""

from __future__ import annotations

import pytest

from skaha_apply.model.errors import ExitCode
from skaha_apply.model.progress.summary import ProjectSummary
from skaha_apply.model.session import Phase
from skaha_apply.model.spec import SessionSpec
from skaha_apply.model.state import Attempt, ReplicaRecord, StateDocument
from skaha_apply.model.status import ProjectStatus, ReplicaStatus, Segment, SegmentKind, Timeline
from skaha_apply.planning.attempts import ended_after
from skaha_apply.render.pictures.timeline import changes_of_count
from skaha_apply.workflow.timeline import timeline

NOW = 2000.0
SPEC = SessionSpec(name="tile-t1", image="x/y/z:1", group="tile-${tile}")


def record(phase, *, name="tile-t1", **more):
    return ReplicaRecord(
        session=name, replica=1, name=name, spec="s", work="w", run="r", id="k2j3h4g5", phase=Phase(phase), **more
    )


def drawn(*records, rows=()):
    document = StateDocument(lineage="l", project="survey", server="s", specs={"s": SPEC}, replicas=records)
    return timeline(ProjectStatus("survey", tuple(rows), ProjectSummary(NOW), (), ExitCode.OK, document)).lanes


def segments(*args, **more):
    (lane,) = drawn(record(*args, **more))
    return [(one.kind, one.begin, one.end) for one in lane.segments]


def test_every_attempt_waited_and_ran():
    earlier = (
        Attempt(attempt=1, phase=Phase.FAILED, id="a", accepted=1000.0, started=1100.0, ended=1200.0),
        Attempt(attempt=2, phase=Phase.UNKNOWN, id="b", accepted=1300.0, started=1310.0),
    )
    (lane,) = drawn(
        record("done", attempt=3, accepted=1500.0, started=1600.0, ended=1700.0, earlier=earlier),
    )
    assert (lane.name, lane.entry, lane.attempts) == ("tile-t1", "tile-${tile}", 3)
    assert lane.segments == (
        Segment(SegmentKind.WAITING, 1000.0, 1100.0),
        Segment(SegmentKind.FAILED, 1100.0, 1200.0, observed_until=1100.0),
        Segment(SegmentKind.WAITING, 1300.0, 1310.0),
        Segment(SegmentKind.UNKNOWN, 1310.0, 1310.0),
        Segment(SegmentKind.WAITING, 1500.0, 1600.0),
        Segment(SegmentKind.DONE, 1600.0, 1700.0, observed_until=1600.0),
    )


@pytest.mark.parametrize(
    ("phase", "times", "seen"),
    [
        ("running", {"started": 1100.0}, NOW),
        ("done", {"started": 1100.0, "running": 1160.0, "ended": 1900.0}, 1160.0),
        ("failed", {"started": 1100.0, "ended": 1900.0}, 1100.0),
        ("gone", {"started": 1100.0, "running": 1500.0, "seen": 1500.0, "ended": 1900.0}, 1500.0),
        ("done", {"ended": 1900.0}, 1000.0),
    ],
)
def test_a_time_is_sure_up_to_the_last_listing_that_showed_it_running(phase, times, seen):
    (lane,) = drawn(record(phase, accepted=1000.0, **times))
    assert lane.segments[-1].observed_end == seen


@pytest.mark.parametrize(
    ("phase", "times", "after"),
    [
        ("running", {"started": 1100.0, "running": 1200.0}, None),
        ("done", {"started": 1100.0, "running": 1160.0, "ended": 1900.0}, 1160.0),
        ("failed", {"started": 1100.0, "ended": 1900.0}, 1100.0),
        ("failed", {"ended": 1900.0}, 1000.0),
        ("done", {"started": 1100.0, "running": 1950.0, "ended": 1900.0}, 1900.0),  # clocks contradict each other
    ],
)
def test_the_interval_of_an_end_begins_where_the_timeline_is_no_longer_sure(phase, times, after):
    one = record(phase, accepted=1000.0, **times)
    assert ended_after(one) == after
    if after is not None:
        assert drawn(one)[0].segments[-1].observed_end == after


def test_one_that_ended_unseen_does_not_count_as_running_until_a_later_listing():
    running = {"accepted": 1000.0, "started": 1000.0}
    lanes = drawn(
        record("done", **running, running=1010.0, ended=1900.0),
        record("done", name="tile-t2", accepted=1000.0, started=1020.0, running=1030.0, ended=1900.0),
    )
    _, counts = changes_of_count(Timeline("survey", lanes, ProjectSummary(NOW)), waiting=False)
    assert max(counts) == 1


@pytest.mark.parametrize(
    ("phase", "times", "expected"),
    [
        ("pending", {"accepted": 1000.0}, [("waiting", 1000.0, NOW)]),
        ("running", {"accepted": 1000.0, "started": 1500.0}, [("waiting", 1000.0, 1500.0), ("running", 1500.0, NOW)]),
        ("failed", {"accepted": 1000.0, "ended": 1200.0}, [("failed", 1000.0, 1200.0)]),
        ("due", {"accepted": 1000.0, "started": 1100.0, "seen": 1300.0},
         [("waiting", 1000.0, 1100.0), ("deleted", 1100.0, 1300.0)]),
        # clocks that contradict each other make nothing negative
        ("done", {"accepted": 1000.0, "started": 900.0, "ended": 950.0}, [("done", 1000.0, 1000.0)]),
        ("running", {"accepted": 3000.0}, [("waiting", 3000.0, 3000.0)]),
    ],
)  # fmt: skip
def test_what_is_drawn_of_one(phase, times, expected):
    if phase == "running" and "started" not in times:
        phase = "pending"
    assert segments(phase, **times) == expected


def test_what_was_marked_by_hand_has_no_times_and_the_manifest_gives_the_order():
    rows = [
        ReplicaStatus("survey", name, 1, name, "done", None, 1, None, None, "done", "")
        for name in ("tile-t2", "tile-t1")
    ]
    lanes = drawn(
        record("done", accepted=1.0, ended=2.0),
        record("done", name="tile-t2", accepted=1.0, ended=2.0),
        record("done", name="tile-t3"),
        rows=rows,
    )
    assert [lane.name for lane in lanes] == ["tile-t2", "tile-t1"]
