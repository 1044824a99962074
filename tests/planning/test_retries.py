"""Attempts: the number and time of retries of a failed replica, and the record of each."""

from __future__ import annotations

import pytest
from scene import (
    HOUR,
    NOW,
    decide,
    desktop,
    intent,
    lines,
    live,
    observe,
    only,
    pending_delete,
    project,
    record,
    replica,
    seen,
    spec,
    state,
    unconfirmed,
)

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.durations import format_exact, format_rounded
from skaha_apply.model.session import Phase
from skaha_apply.model.state import Attempt
from skaha_apply.model.status import PeakUse
from skaha_apply.planning.attempts import REMEMBERED, left_of_wait, peak_use, ram_of
from skaha_apply.planning.replicas import create_request
from skaha_apply.planning.tracking.unconfirmed_creates import record_of_create
from skaha_apply.planning.working_state import WorkingState

THRICE = spec(retries=2)


def failed(wanted=THRICE, ago=HOUR, **fields):
    return record(wanted, "failed", ended=NOW - ago, **fields)


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        (1, "retry reduce (failed in attempt 1 of 3)"),
        (2, "retry reduce (failed in attempt 2 of 3)"),
        (3, "failed reduce (failed in attempt 3 of 3)"),
        (4, "failed reduce (failed in attempt 4 of 4)"),  # fewer are allowed than were
    ],
)
def test_as_many_attempts_as_retries_and_one(attempt, expected):
    plan = decide(project(THRICE), state(failed(attempt=attempt)))
    assert lines(plan) == [expected]
    (action,) = plan.actions
    assert (action.attempt, action.sessions_to_delete, action.counts_as_mass) == (
        (attempt + 1) if attempt < 3 else 1,
        (),
        False,
    )
    assert action.id == "reduce"


def test_another_attempt_is_another_try():
    (second,), (third,) = (decide(project(THRICE), state(failed(attempt=number))).actions for number in (1, 2))
    assert second.attempt_key != third.attempt_key
    assert (
        not decide(project(THRICE), state(failed(attempt=2)), failed=frozenset({second.attempt_key}))
        .actions[0]
        .waits_indefinitely
    )


def test_the_ended_session_is_left_to_expire():
    plan = decide(project(THRICE), state(failed()), seen(live("reduce", "Failed")))
    assert lines(plan) == ["retry reduce (failed in attempt 1 of 3)"]


@pytest.mark.parametrize(
    ("first", "attempt", "after", "expected"),
    [
        (10, 1, 9, "wait reduce (failed in attempt 1 of 30; next attempt in 1s)"),
        (10, 1, 10, "retry reduce (failed in attempt 1 of 30)"),
        (10, 3, 20, "wait reduce (failed in attempt 3 of 30; next attempt in 20s)"),
        (10, 3, 40, "retry reduce (failed in attempt 3 of 30)"),
        (10, 25, 120, "wait reduce (failed in attempt 25 of 30; next attempt in 8m)"),
        (10, 25, 600, "retry reduce (failed in attempt 25 of 30)"),
        (1800, 1, 1000, "wait reduce (failed in attempt 1 of 30; next attempt in 14m)"),
        (1800, 9, 1800, "retry reduce (failed in attempt 9 of 30)"),
    ],
)
def test_each_wait_is_twice_the_last_one_up_to_ten_minutes_and_never_below_the_first(first, attempt, after, expected):
    wanted = spec(retries=29, retry_wait=first)
    plan = decide(project(wanted), state(failed(wanted, after, attempt=attempt)))
    assert lines(plan) == [expected]
    assert not plan.actions[0].waits_indefinitely


def test_a_clock_that_was_set_back_holds_no_retry_up():
    assert left_of_wait(10, 1, ended=NOW + HOUR, now=NOW) == 0
    assert lines(decide(project(THRICE), state(failed(ago=-HOUR)))) == ["retry reduce (failed in attempt 1 of 3)"]


def test_new_resources_count_attempts_from_1():
    (action,) = decide(project(spec(ram=64, retries=2)), state(failed(attempt=3))).actions
    assert (action.kind, action.attempt) == ("replace", 1)


def test_other_retries_alone_change_nothing_but_the_count():
    assert lines(decide(project(spec(retries=3)), state(failed(attempt=3)))) == [
        "retry reduce (failed in attempt 3 of 4)"
    ]


def test_one_that_was_deleted_in_its_second_attempt_is_made_again_in_the_same():
    (action,) = decide(project(THRICE), state(record(THRICE, "gone", attempt=2))).actions
    assert (action.kind, action.attempt) == ("create", 2)


def test_change_of_a_dependency_counts_attempts_from_1():
    stage = spec("stage", args=("other.py",))
    after = spec(needs=("stage",), retries=2)
    stored = state(
        record(stage, "done"), record(after, "due", needed=(spec("stage"),), attempt=3, note="its session was deleted")
    )
    (_, action) = decide(project(stage, after), stored).actions
    assert (action.name, action.kind, action.attempt) == ("reduce", "create", 1)


def test_retry_waits_for_an_unmanaged_session_and_for_its_own_delete():
    unmanaged = live("reduce", "Running", id="theirs", image="another")
    assert [one.kind for one in decide(project(THRICE), state(failed()), seen(unmanaged)).actions] == ["conflict"]
    pending = state(failed(), pending_delete("reduce", THRICE, why="timeout"))
    assert lines(decide(project(THRICE), pending, seen())) == ["wait reduce (its session is being deleted)"]


def test_an_open_retry_is_decided_before_anything_else_and_makes_the_same_attempt_again():
    stored = state(failed(), intent(THRICE, attempt=2))
    unsettled = decide(project(THRICE), stored, seen(in_flight=[THRICE.key and (THRICE.key, 1)]))
    assert [one.kind for one in unsettled.actions] == ["wait"]
    (action,) = decide(project(THRICE), stored, seen()).actions
    assert (action.kind, action.attempt) == ("retry", 2)
    after = only(observe(stored, seen(live("reduce", "Running", id="second"))))
    assert (after.id, after.attempt, after.phase, after.past) == ("second", 2, Phase.RUNNING, ("reduce",))
    assert [(one.attempt, one.phase, one.id) for one in after.earlier] == [(1, Phase.FAILED, "reduce")]


# -- what is remembered


def again(before, attempt, number):
    working = WorkingState.from_document(state(before))
    return record_of_create(working, intent(THRICE, attempt=attempt), f"id{number}", NOW)


@pytest.mark.parametrize("phase", [Phase.DONE, Phase.FAILED, Phase.UNKNOWN])
def test_ended_attempt_is_recorded_when_the_next_one_is_created(phase):
    before = record(THRICE, phase, started=NOW - 50, ended=NOW - 5, note="why", run_number=3)
    (earlier,) = again(before, 2, 2).earlier
    assert earlier == Attempt(
        attempt=1,
        phase=phase,
        id="reduce",
        run_number=3,
        accepted=NOW - HOUR,
        started=NOW - 50,
        running=NOW - 15,
        ended=NOW - 5,
        note="why",
    )


@pytest.mark.parametrize("phase", [Phase.DUE, Phase.GONE, Phase.HELD])
def test_session_that_did_not_end_is_not_an_attempt(phase):
    assert again(record(THRICE, phase), 1, 2).earlier == ()


def test_create_that_no_listing_showed_is_not_an_attempt():
    assert again(record(THRICE, "unknown", id=None), 1, 2).earlier == ()


def test_an_earlier_attempt_keeps_what_it_used_and_requested():
    wanted = spec(retries=2, retry_ram=(16, 32))
    before = failed(wanted, attempt=2, ram=16, ram_used=15.9, cores_used=1.5, cause="out of memory", running=NOW - 7)
    later = again(before, 3, 1)
    assert later.ram_used is later.cores_used is None
    (one,) = later.earlier
    assert peak_use(one, wanted) == PeakUse(15.9, 1.5, 16, 2)
    assert (one.cause, one.running) == ("out of memory", NOW - 7)


def test_only_the_last_few_attempts_are_recorded():
    record_ = record(THRICE, "failed", attempt=1)
    for number in range(2, 40):
        record_ = replace(again(record_, number, number), phase=Phase.FAILED)
    assert [one.attempt for one in record_.earlier] == list(range(39 - REMEMBERED, 39))
    assert len(record_.past) == REMEMBERED


def test_duplicate_session_with_a_better_end_is_the_same_attempt():
    stored = state(record(THRICE, "running", attempt=2), unconfirmed(THRICE, attempt=2))
    shown = seen(live("reduce", "Failed"), live("reduce", "Running", id="late"))
    after = only(observe(stored, shown))
    assert (after.id, after.attempt, after.earlier) == ("late", 2, ())


def test_digests_do_not_contain_retries():
    assert replica(THRICE).run == replica(spec(retry_wait=99, timeout=5, pending_timeout=5)).run


def test_durations_read_as_they_are_written():
    assert [format_exact(one) for one in (90, 5400, 7200, 129600, 172800, 0.5)] == [
        "90s",
        "90m",
        "2h",
        "36h",
        "2d",
        "0.5s",
    ]
    passed = (0.2, 9.1, 11, 120, 121, 3601, 7200, 86400, 100_000)
    assert [format_rounded(one) for one in passed] == ["1s", "10s", "20s", "120s", "3m", "1h 1m", "2h", "1d", "1d 4h"]


# -- more memory for the next attempt

GROWING = spec(retries=3, retry_ram=(16, 32))
OOM = "out of memory (OOMKilled)"


@pytest.mark.parametrize(
    ("attempt", "cause", "expected"),
    [
        (1, OOM, "retry reduce (attempt 2 of 4 with 16 GB: attempt 1 was killed because it ran out of memory)"),
        (1, "ValueError: a", "retry reduce (attempt 2 of 4 with 16 GB: attempt 1 failed)"),
        (2, OOM, "retry reduce (attempt 3 of 4 with 32 GB: attempt 2 was killed because it ran out of memory)"),
        (3, OOM, "retry reduce (attempt 4 of 4 with 32 GB: attempt 3 was killed because it ran out of memory)"),
        (4, OOM, "failed reduce (failed in attempt 4 of 4)"),
    ],
)
def test_a_retry_states_its_ram_and_whether_the_failure_was_memory(attempt, cause, expected):
    assert lines(decide(project(GROWING), state(failed(GROWING, attempt=attempt, cause=cause)))) == [expected]


def test_a_waiting_retry_and_a_timeout_keep_their_reason():
    waiting = decide(project(GROWING), state(failed(GROWING, 4, cause=OOM)))
    assert lines(waiting) == [
        "wait reduce (attempt 2 of 4 with 16 GB: attempt 1 was killed because it ran out of memory; next attempt in 6s)"
    ]
    late = decide(project(GROWING), state(failed(GROWING, note="timed out: running for more than 1h")))
    assert lines(late) == [
        "retry reduce (attempt 2 of 4 with 16 GB: attempt 1 failed: timed out: running for more than 1h)"
    ]


@pytest.mark.parametrize(("attempt", "ram"), [(1, 8), (2, 16), (3, 32), (9, 32)])
def test_each_attempt_requests_its_ram(attempt, ram):
    request = create_request(replica(GROWING), "survey", attempt)
    assert (request.spec.ram, ram_of(GROWING, attempt)) == (ram, ram)


def test_an_interactive_session_that_starts_again_requests_the_same_ram():
    desk = desktop(retry_ram=(16,))
    assert [ram_of(desk, attempt) for attempt in (1, 2, 3)] == [8, 8, 8]


def test_retry_ram_is_in_no_digest_and_a_change_of_it_plans_nothing():
    before = replica(THRICE)
    after = replica(spec(retries=2, retry_ram=(64,)))
    assert (before.work, before.run) == (after.work, after.run)
    running = record(GROWING, attempt=2, ram=16)
    assert lines(decide(project(spec(retries=3, retry_ram=(99,))), state(running))) == ["unchanged reduce (running)"]


def test_the_session_of_an_unconfirmed_retry_is_found_by_the_ram_that_the_retry_requested():
    stored = state(failed(GROWING), intent(GROWING, attempt=2, ram=16))
    other = only(observe(stored, seen(live("reduce", "Running", id="first", ram=8.0))))
    assert (other.id, other.attempt) == ("reduce", 1)
    after = only(observe(stored, seen(live("reduce", "Running", id="second", ram=16.0))))
    assert (after.id, after.attempt, after.ram) == ("second", 2, 16)
    late = state(record(GROWING, "due", attempt=2), unconfirmed(GROWING, attempt=2, ram=16))
    assert only(observe(late, seen(live("reduce", "Running", id="third", ram=16.0)))).ram == 16
    assert only(observe(late, seen(live("reduce", "Running", id="third", ram=8.0)))).phase is Phase.DUE


def test_the_history_keeps_what_each_attempt_requested():
    before = failed(GROWING, attempt=2, ram=16, earlier=(Attempt(attempt=1, phase=Phase.FAILED, ram=8),))
    working = WorkingState.from_document(state(before))
    after = record_of_create(working, intent(GROWING, attempt=3, ram=32), "id3", NOW)
    assert [one.ram for one in (*after.earlier, after)] == [8, 16, 32]
