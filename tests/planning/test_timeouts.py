"""`timeout` and `pending_timeout`: a session over its time is deleted, has failed, and is retried."""

from __future__ import annotations

import pytest
from scene import (
    HOUR,
    NOW,
    decide,
    desktop,
    intent,
    kinds,
    lines,
    live,
    observe,
    only,
    pending_delete,
    project,
    record,
    seen,
    spec,
    state,
)

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.session import Phase
from skaha_apply.render.reasons import reason_text

TIMED = spec(timeout=2 * HOUR, pending_timeout=1800, retries=1)


def running(since=HOUR * 3, wanted=TIMED, **fields):
    return state(record(wanted, started=NOW - since, **fields))


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (2 * HOUR, "unchanged reduce (running)"),
        (2 * HOUR + 1, "delete reduce -reduce (timed out: running for more than 2h)"),
    ],
)
def test_running_is_counted_from_its_start(since, expected):
    stored = running(accepted=NOW - 9 * HOUR, since=since)
    plan = decide(project(TIMED), stored, seen(live("reduce", started=NOW - since)))
    assert lines(plan) == [expected]
    (action,) = plan.actions
    assert {to_delete.why for to_delete in action.sessions_to_delete} <= {"timeout"}
    assert (action.lost, action.counts_as_mass, plan.refused) == (0.0, False, None)
    assert not [line for line in plan.approved if line.startswith("!")]


@pytest.mark.parametrize("told", [None, NOW - 9 * HOUR, NOW + 9 * HOUR])
def test_without_a_start_that_can_be_true_it_is_counted_from_when_a_list_showed_it_running(told):
    """A server may report none, and one without a `Date` header may have another clock than this machine."""
    stored = state(record(TIMED, "pending", accepted=NOW - 4 * HOUR))
    stored = observe(stored, seen(live("reduce", started=told)))
    for hours, expected in ((0, "unchanged"), (2, "unchanged"), (2.1, "delete")):
        then = seen(live("reduce", started=told), at=NOW + hours * HOUR)
        assert kinds(decide(project(TIMED), stored, then)) == [f"{expected} reduce"]


def test_session_of_an_unconfirmed_create_was_accepted_when_the_create_was_sent():
    stored = state(intent(TIMED, at=NOW - 3 * HOUR, given_up=None))
    plan = decide(project(TIMED), stored, seen(live("reduce", started=NOW - 2.5 * HOUR)))
    assert lines(plan) == ["delete reduce -reduce (timed out: running for more than 2h)"]


def test_a_start_that_the_queue_has_reset_counts():
    plan = decide(project(TIMED), running(), seen(live("reduce", started=NOW - 60)))
    assert kinds(plan) == ["unchanged reduce"]


@pytest.mark.parametrize("phase", ["pending", "accepted"])
@pytest.mark.parametrize(("since", "expected"), [(1800, "unchanged reduce"), (1801, "delete reduce")])
def test_waiting_is_counted_from_acceptance(phase, since, expected):
    stored = state(record(TIMED, phase, accepted=NOW - since))
    shown = seen(live("reduce", "Pending")) if phase == "pending" else seen()
    plan = decide(project(TIMED), stored, shown)
    assert kinds(plan) == [expected]
    if expected.startswith("delete"):
        assert reason_text(plan.actions[0].reason) == "timed out: pending for more than 30m"


def test_one_that_is_queued_again_has_waited_only_since_then():
    stored = observe(running(since=HOUR), seen(live("reduce", "Pending")))
    assert only(stored).queued == NOW
    for minutes, expected in ((30, "unchanged"), (31, "delete")):
        then = seen(live("reduce", "Pending"), at=NOW + minutes * 60)
        assert kinds(decide(project(TIMED), stored, then)) == [f"{expected} reduce"]
    assert only(observe(stored, seen(live("reduce", "Running"), at=NOW + 60))).queued is None


@pytest.mark.parametrize("status", ["Terminating", "Odd", "Completed"])
def test_only_running_or_pending_sessions_time_out(status):
    plan = decide(project(TIMED), running(), seen(live("reduce", status, started=NOW - 9 * HOUR)))
    assert not any(action.sessions_to_delete for action in plan.actions)


def test_without_a_start_or_for_an_interactive_session_nothing_is_counted():
    assert kinds(decide(project(TIMED), state(record(TIMED)), seen(live("reduce")))) == ["unchanged reduce"]
    desk = desktop(timeout=60.0)
    stored = state(record(desk, started=NOW - HOUR))
    assert kinds(decide(project(desk), stored, seen(live("desk", kind="notebook")))) == ["unchanged desk"]


@pytest.mark.parametrize("protected", ["manifest", "record"])
def test_protected_session_is_never_deleted_and_still_counts_as_running(protected):
    guarded = TIMED.model_copy(update={"protect": True})
    wanted, recorded = (guarded, TIMED) if protected == "manifest" else (TIMED, guarded)
    plan = decide(project(wanted), running(wanted=recorded))
    assert lines(plan) == ["unchanged reduce (running for more than 2h, but it is protected)"]


def test_a_change_comes_first():
    assert kinds(decide(project(TIMED.model_copy(update={"ram": 64})), running())) == ["replace reduce"]


def test_session_that_never_runs_again_can_time_out_too():
    never = TIMED.model_copy(update={"rerun": "never", "args": ("new.py",)})
    assert kinds(decide(project(never), running())) == ["delete reduce"]


def test_it_takes_no_approval_and_counts_for_no_safety_rule():
    many = spec(replicas=40, timeout=HOUR, cores=16)
    stored = state(*[record(many, number=number, started=NOW - 50 * HOUR) for number in range(1, 41)])
    plan = decide(project(many), stored)
    assert plan.summary["delete"] == 40
    assert (plan.refused, plan.core_hours_lost) == (None, 0.0)


OVERDUE = pending_delete("reduce", TIMED, why="timeout", note="timed out: running for more than 2h")


@pytest.mark.parametrize("shown", [seen(ended_pods=["reduce"]), seen(at=NOW + 60)])
def test_timed_out_session_has_failed_when_it_disappears_and_is_retried(shown):
    stored = observe(state(record(TIMED, started=NOW - 3 * HOUR), OVERDUE), shown)
    at = shown.listing.at
    assert (only(stored).phase, only(stored).ended, only(stored).note) == (Phase.FAILED, at, OVERDUE.note)
    assert stored.tombstones == ()
    reason = "failed in attempt 1 of 2: timed out: running for more than 2h"
    assert lines(decide(project(TIMED), stored, seen(at=at + 9))) == [f"wait reduce ({reason}; next attempt in 1s)"]
    (action,) = decide(project(TIMED), stored, seen(at=at + 10)).actions
    assert (action.kind, action.attempt, reason_text(action.reason)) == ("retry", 2, reason)


def test_while_its_pod_stops_no_replacement_is_created():
    stored = state(record(TIMED, "failed", ended=NOW - HOUR, note=OVERDUE.note), OVERDUE)
    assert lines(decide(project(TIMED), stored)) == ["wait reduce (its session is being deleted)"]
    after = observe(stored, seen(ended_pods=["reduce"]))
    assert (only(after).ended, only(after).note) == (NOW - HOUR, OVERDUE.note)


def test_a_delete_that_was_never_sent_has_ended_nothing():
    unsent = replace(OVERDUE, sent=False)
    after = observe(state(record(TIMED), unsent), seen(live("reduce", "Completed")))
    assert (only(after).phase, after.tombstones) == (Phase.DONE, ())


def test_replica_that_was_marked_meanwhile_keeps_its_mark():
    after = observe(state(record(TIMED, "done"), OVERDUE), seen(ended_pods=["reduce"]))
    assert only(after).phase is Phase.DONE
