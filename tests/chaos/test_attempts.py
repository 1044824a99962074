"""Attempts, runs and renewals carried out by the real workflow in good weather: one promise, one story."""

from __future__ import annotations

import random

import pytest
from scenario import FILE
from server import IMAGES, LIFE, TTL, Weather
from world import Universe

from skaha_apply.model.errors import ExitCode
from skaha_apply.model.project import Project
from skaha_apply.model.session import Kind, Phase
from skaha_apply.model.spec import SessionSpec
from skaha_apply.render.reasons import reason_text

TIMED_OUT = "timed out: running for more than 5m"


def reduce(**fields):
    return SessionSpec(name="reduce", image=IMAGES[0], cmd="run", file=FILE, **fields)


def project(*sessions):
    return Project("survey", sessions, files=(FILE,), folders=("manifests",))


@pytest.fixture
def universe(tmp_path):
    return Universe(random.Random(1), tmp_path)


def known(universe, wanted):
    return {record.name: record for record in universe.state(wanted).replicas}


def made(universe):
    return [job for job in universe.server.jobs.values() if not job.is_unmanaged]


def test_session_that_ends_before_its_delete_is_done_and_not_deleted(universe):
    wanted = project(reduce(timeout=300.0))
    universe.server.plan = lambda form: (0.0, 363.0, False)
    universe.apply(wanted)
    universe.pass_time(360)
    universe.server.change_weather(Weather(latency=(1.0, 1.0)))  # by the time of its DELETE it has ended
    report = universe.apply(wanted).report
    assert universe.server.deletes == []
    assert (dict(report.applied), report.failed, report.exit_code) == ({}, (), ExitCode.OK)
    assert (known(universe, wanted)["reduce"].phase, universe.state(wanted).tombstones) == (Phase.DONE, ())


def test_timed_out_session_has_failed_while_its_pod_stops_and_its_log_is_saved(universe):
    wanted = project(reduce(timeout=300.0, retries=1, retry_wait=20.0))
    universe.server.plan = lambda form: (0.0, 10_000.0, False)
    universe.apply(wanted)
    universe.server.change_weather(Weather(linger=(50.0, 50.0)))
    universe.pass_time(360)
    report = universe.apply(wanted).report
    record = known(universe, wanted)["reduce"]
    assert (dict(report.applied), record.phase, record.note) == ({"delete": 1}, Phase.FAILED, TIMED_OUT)
    assert [tomb.note for tomb in universe.state(wanted).tombstones] == [TIMED_OUT]
    assert universe.logs.read("reduce", f"1-{record.id}")[0] == f"log of {record.id}\n"
    assert reason_text(universe.plan(wanted).report.actions[0].reason) == "its session is being deleted"
    universe.server.plan = lambda form: (0.0, 60.0, False)
    assert universe.apply(wanted, wait="complete").report.exit_code is ExitCode.OK
    after = known(universe, wanted)["reduce"]
    assert (after.phase, after.attempt, len(made(universe))) == (Phase.DONE, 2, 2)
    assert [(one.attempt, one.phase, one.note) for one in after.earlier] == [(1, Phase.FAILED, TIMED_OUT)]
    first, second = made(universe)
    assert second.created >= first.pod_until


def test_rerun_always_runs_once_in_an_invocation_that_waits(universe):
    stage = SessionSpec(name="stage", image=IMAGES[0], cmd="run", file=FILE, needs=("reduce",))
    wanted = project(reduce(rerun="always"), stage)
    universe.server.plan = lambda form: (0.0, 60.0, False)
    for call in (1, 2, 3):
        report = universe.apply(wanted, wait="complete", timeout=3000).report
        assert report.exit_code is ExitCode.OK
        assert [job.name for job in made(universe)] == ["reduce", "stage"] * call
        universe.pass_time(100)
    assert known(universe, wanted)["reduce"].run_number == 2
    assert len({job.env["SKAHA_APPLY_RUN"] for job in made(universe)}) == 6


@pytest.mark.parametrize("after", [30, 100])  # seconds: before reduce ends, and while stage runs
def test_rerun_always_runs_once_although_the_clock_of_the_server_is_set_back(universe, after):
    stage = SessionSpec(name="stage", image=IMAGES[0], cmd="run", file=FILE, needs=("reduce",))
    wanted = project(reduce(rerun="always"), stage)
    universe.server.plan = lambda form: (0.0, 60.0, False)
    universe.apply(wanted, wait="complete", timeout=3000)
    universe.pass_time(100)
    universe.server.change_weather(Weather(set_back=(universe.timeline.now + after, 3600.0)))
    report = universe.apply(wanted, wait="complete", timeout=3000).report
    assert report.exit_code is ExitCode.OK
    assert [job.name for job in made(universe)] == ["reduce", "stage"] * 2


def test_end_that_the_first_listing_shows_was_before_the_invocation(universe):
    wanted = project(reduce(rerun="always"))
    universe.server.plan = lambda form: (0.0, 60.0, False)
    universe.apply(wanted)
    universe.pass_time(100)
    assert dict(universe.apply(wanted).report.applied) == {"create": 1}


@pytest.mark.parametrize(
    ("vanished", "phase", "code", "sessions"),
    [
        ("hold", Phase.UNKNOWN, ExitCode.UNFINISHED, ["reduce"]),
        ("complete", Phase.DONE, ExitCode.OK, ["reduce", "stage"]),
        ("rerun", Phase.DONE, ExitCode.OK, ["reduce", "reduce", "stage"]),
    ],
)
def test_vanished_session_is_resolved_as_the_manifest_states(universe, vanished, phase, code, sessions):
    stage = SessionSpec(name="stage", image=IMAGES[0], cmd="run", file=FILE, needs=("reduce",))
    wanted = project(reduce(vanished=vanished), stage)
    universe.server.plan = lambda form: (0.0, 60.0, False)
    universe.apply(wanted)
    universe.pass_time(60 + 2 * TTL)
    assert universe.apply(wanted, wait="complete").report.exit_code is code
    assert known(universe, wanted)["reduce"].phase is phase
    assert [job.name for job in made(universe)] == sessions
    assert not universe.plan(wanted).report.has_changes


DESK = SessionSpec(name="desk", image=IMAGES[1], kind=Kind.NOTEBOOK, renew=LIFE - 100.0, file=FILE)


def answer_renewals(universe, *answers):
    """The responses of the server to renewals; the last one is repeated. None renews the session."""
    left, renew = list(answers), universe.server._renew

    def answer(*given):
        given_now = left.pop(0) if len(left) > 1 else left[0]
        return renew(*given) if given_now is None else (*given_now, "text/plain")

    universe.server._renew = answer


def test_refused_renewal_is_reported_and_the_other_actions_continue(universe):
    other = reduce(replicas=2)
    universe.apply(project(DESK))
    universe.pass_time(200)
    answer_renewals(universe, (400, b"No active job for user astronomer\n"))
    report = universe.apply(project(DESK, other)).report
    assert dict(report.applied) == {"create": 2}
    assert [(one.name, one.action) for one in report.failed] == [("desk", "renew")]
    assert "No active job for user astronomer" in report.failed[0].error
    assert report.exit_code is ExitCode.PARTIAL


def test_renewal_without_a_clear_response_is_requested_again(universe):
    universe.apply(project(DESK))
    universe.pass_time(200)
    answer_renewals(universe, (500, b"unexpected exception"), (500, b"unexpected exception"), None)
    report = universe.apply(project(DESK)).report
    assert (dict(report.applied), report.failed) == ({"renew": 1}, ())
    assert known(universe, project(DESK))["desk"].renewed is not None


def test_renewal_without_a_response_is_repeated_in_the_next_pass_and_then_no_failure(universe):
    wanted = project(DESK, reduce())
    universe.server.plan = lambda form: (0.0, 300.0, False)
    universe.apply(project(DESK))
    universe.pass_time(200)
    answer_renewals(universe, *[(500, b"unexpected exception")] * 4, None)
    report = universe.apply(wanted, wait="complete", timeout=3000).report
    assert (dict(report.applied), report.failed, report.exit_code) == ({"create": 1, "renew": 1}, (), ExitCode.OK)


def test_refused_create_is_repeated_only_by_the_next_invocation(universe):
    wanted = project(reduce(retries=2))
    universe.server.plan = lambda form: (0.0, 60.0, len(made(universe)) < 1)
    create = universe.server._create
    universe.apply(wanted)
    universe.server._create = lambda *_: (400, b"No.\n", "text/plain")
    report = universe.apply(wanted, wait="complete", timeout=3000).report
    assert [(one.name, one.action, one.error) for one in report.failed] == [("reduce", "retry", "No.")]
    posts = sum("POST /session reduce" in line for line in universe.server.trace)
    assert posts == 2
    universe.server._create = create
    report = universe.apply(wanted, wait="complete", timeout=3000).report
    assert (report.exit_code, known(universe, wanted)["reduce"].attempt) == (ExitCode.OK, 2)
