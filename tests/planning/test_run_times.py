"""Typical run times, if listings showed the ends of some replicas closely, and those of others hours later."""

from __future__ import annotations

import pytest
from scene import HOUR, NOW, live, project, record, seen, spec, state

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.display.page import ProjectPage
from skaha_apply.model.session import Phase
from skaha_apply.model.state import Attempt
from skaha_apply.planning.planner import plan
from skaha_apply.planning.situation import Situation
from skaha_apply.planning.tracking.spec_updates import update_specs
from skaha_apply.planning.working_state import WorkingState
from skaha_apply.render.page.document import page_data
from skaha_apply.render.plan.documents import plan_document
from skaha_apply.render.plan.text import plan_text
from skaha_apply.render.run.status import overview_text, status_document
from skaha_apply.workflow.status import project_status
from skaha_apply.workflow.timeline import timeline

POLL, MINUTE = 10.0, 60.0


def done(wanted, number, most, least):
    """A replica whose end was seen `most` seconds after its start, and which was last seen running after `least`."""
    begun = NOW - 20 * HOUR
    running = None if least is None else begun + least
    return record(wanted, "done", number, started=begun, running=running, ended=begun + most)


class Survey:
    """An entry with these run times, each as the most and the least seconds, with a running and a due replica."""

    def __init__(self, *times, running=0.0, others=()):
        self.wanted = spec(replicas=len(times) + 2, parallelism=2)
        records = [done(self.wanted, number, *one) for number, one in enumerate(times, 1)]
        number = len(times) + 1
        records.append(record(self.wanted, "running", number, started=NOW - running))
        self.situation = Situation(state(*records), seen(live(f"reduce-{number}", id=f"reduce-{number}")))
        self.project = project(self.wanted, *others)
        self.plan = plan(self.project, self.situation)
        self.status = project_status(self.project, self.situation, self.plan)
        self.entry = self.status.entries[0]

    @property
    def median(self):
        return self.entry.median, self.entry.median_is_upper_bound


def test_ends_that_a_wait_saw_give_the_median_and_not_those_of_a_night():
    night = (9 * HOUR, MINUTE)
    found = Survey(night, (600.0, 590.0), night, (700.0, 690.0), (660.0, None), night, (540.0, 530.0))
    # the end of the third one is known too badly: it was never seen running
    assert found.median == (600.0, False)
    assert found.entry.run_times is None  # three run times show no spread
    assert found.status.pace.left == pytest.approx(600.0)
    assert found.status.summary.core_hours.to_come == pytest.approx(2 * 2 * 600.0 / HOUR)
    (shown,) = page_data([ProjectPage(found.status, timeline(found.status), found.project.sessions)])["projects"]
    entry = shown["entries"][0]
    assert (entry["median"], entry["at_most"], sum(entry["runs"]), entry["vague"]) == (600.0, False, 3, 4)


@pytest.mark.parametrize(
    "ends",
    [
        [(POLL + 5, None)],  # shorter than the interval of a wait: no listing showed it running
        [(200.0, 70.0)],  # a killed process had not stored the times of the last two minutes
        [(10 * HOUR, 9 * HOUR)],  # passes an hour apart
    ],
    ids=["short", "killed", "long"],
)
def test_an_end_is_known_closely_within_minutes_or_a_tenth_of_the_run(ends):
    assert Survey(*ends, (90 * HOUR, None), (90 * HOUR, None)).median == (ends[0][0], False)
    assert Survey((1900.0, 1600.0)).median == (1900.0, True)


def test_the_bounds_of_all_run_times_limit_a_median_of_a_few():
    # passes an hour apart know only the end of a long run closely
    often_short = [(HOUR, 0.0)] * 5
    assert Survey((20 * HOUR, 19.5 * HOUR), *often_short).median == (HOUR, True)
    # a wait that ended early saw only the ends of short ones
    often_long = [(15 * HOUR, 3 * HOUR)] * 5
    assert Survey((600.0, 590.0), *often_long).median == (3 * HOUR, False)


def test_a_median_without_a_close_end_is_an_upper_bound_in_every_view():
    merge = spec("merge", needs=("reduce",))
    times = [(8 * HOUR, MINUTE), (9 * HOUR, MINUTE), (10 * HOUR, MINUTE), (9 * HOUR, None)]
    found = Survey(*times, running=30 * HOUR)
    assert (found.median, found.entry.run_times) == ((9 * HOUR, True), None)
    document = status_document(found.status)
    assert document["entries"][0]["median_is_upper_bound"] is document["pace"]["left_is_upper_bound"] is True
    assert document["expected_end"] == {"at": document["expected_end"]["at"], "earliest": None, "latest": None}
    text = overview_text(found.status, ())
    for part in (
        "(at most 9 h 00 min)",
        "at most about 9 h 00 min left",
        "at most about 18.0 to come",
        "(median at most",
    ):
        assert part in text
    assert "at most about 18.0 core-hours (median run time)" in plan_text(found.plan)
    assert plan_document(found.plan)["core_hours_to_come"]["expected_is_upper_bound"] is True
    # the least time until the end follows from no upper bound
    later = Survey(*times, others=(merge,)).status
    assert (later.summary.expected_end, later.summary.not_before) == (None, None)
    assert "time left not known (no replica of merge has ended)" in overview_text(later, ())


def test_a_run_time_is_not_known_if_the_session_vanished_and_counts_as_complete():
    wanted = spec(replicas=3, vanished="complete")
    last = NOW - 9 * HOUR
    vanished = [
        record(wanted, phase, number, started=last - MINUTE, running=last, seen=last, note="disappeared")
        for number, phase in ((1, "gone"), (2, "unknown"))
    ]
    working = WorkingState.from_document(state(*vanished))
    assert update_specs(plan(project(wanted), Situation(working.to_document(), seen())), working)
    assert {(one.phase.value, one.ended) for one in working.to_document().replicas} == {("done", last)}
    situation = Situation(working.to_document(), seen())
    found = plan(project(wanted), situation)
    status = project_status(project(wanted), situation, found)
    assert (status.entries[0].median, status.pace.left) == (None, None)
    assert plan_document(found)["core_hours_to_come"]["expected_for"] == 0
    (shown,) = page_data([ProjectPage(status, timeline(status), (wanted,))])["projects"]
    assert (sum(shown["entries"][0]["runs"]), shown["entries"][0]["vague"]) == (0, 0)


def test_a_few_long_runs_that_are_known_closely_do_not_make_an_upper_bound_a_median():
    times = [(9 * HOUR, MINUTE)] * 9 + [(10 * HOUR, 9.9 * HOUR)] * 4
    found = Survey(*times)
    assert (found.median, found.entry.run_times) == ((9 * HOUR, True), None)
    assert "at most about 9 h 00 min left" in overview_text(found.status, ())
    assert Survey(*times[:-1], (9 * HOUR, 8.9 * HOUR), (600.0, 590.0)).median == (9 * HOUR, True)
    assert Survey(*times[:9], *[(8 * HOUR, 7.9 * HOUR)] * 4).median == (8 * HOUR, False)


@pytest.mark.parametrize(("least", "runs"), [(MINUTE, 4), (9 * HOUR - POLL, 8)], ids=["night", "wait"])
def test_attempts_that_failed_in_a_night_let_expect_no_more_retries(least, runs):
    wanted = spec(replicas=6, parallelism=1, retries=1)
    begun = NOW - 20 * HOUR
    records = [done(wanted, number, 600.0, 590.0) for number in (1, 2)]
    first = Attempt(attempt=1, phase=Phase.FAILED, started=begun, running=begun + least, ended=begun + 9 * HOUR)
    records[1] = replace(records[1], attempt=2, earlier=(first,))
    situation = Situation(state(*records), seen())
    status = project_status(project(wanted), situation, plan(project(wanted), situation))
    assert status.pace.left == pytest.approx(runs * 600.0)


def test_retries_are_expected_from_all_attempts_if_none_is_done_closely():
    wanted = spec(replicas=5, parallelism=1, retries=3)
    first = Attempt(attempt=1, phase=Phase.FAILED, started=NOW - 20 * HOUR, ended=NOW - 11 * HOUR)
    records = [replace(done(wanted, 1, 9 * HOUR, MINUTE), attempt=2, earlier=(first,))]
    situation = Situation(state(*records), seen())
    pace = project_status(project(wanted), situation, plan(project(wanted), situation)).pace
    assert (pace.left, pace.left_is_upper_bound) == (pytest.approx(8 * 9 * HOUR), True)
