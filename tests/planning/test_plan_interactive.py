"""Interactive sessions are kept alive, with a back-off, within the server's limit of them."""

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
    offer,
    project,
    record,
    seen,
    spec,
    state,
)

from skaha_apply.render.reasons import reason_text

DESK = desktop()


def desk(status="Running", **fields):
    return live("desk", status, kind="notebook", **fields)


def test_running_session_is_unchanged():
    assert kinds(decide(project(DESK), state(record(DESK)), seen(desk()))) == ["unchanged desk"]


@pytest.mark.parametrize("status", ["Completed", "Failed"])
def test_session_that_ended_after_a_long_time_is_created_again_at_once(status):
    stored = state(record(DESK, attempt=4))
    (action,) = decide(project(DESK), stored, seen(desk(status))).actions
    assert (action.kind, reason_text(action.reason), action.attempt) == ("create", "its session ended", 1)


@pytest.mark.parametrize(
    ("attempt", "since", "expected"),
    [
        (1, 9, "wait desk (its session ended after 30s; it restarts in 1s)"),
        (1, 10, "create desk (its session ended)"),
        (3, 39, "wait desk (its session ended after 30s; it restarts in 1s)"),
        (3, 40, "create desk (its session ended)"),
        (100, 599, "wait desk (its session ended after 30s; it restarts in 1s)"),
        (100, 600, "create desk (its session ended)"),
        (1, -HOUR, "create desk (its session ended)"),
    ],
)
def test_session_that_ended_early_is_created_after_a_back_off(attempt, since, expected):
    ended = NOW - since
    stored = state(record(DESK, "failed", attempt=attempt, accepted=ended - 60, started=ended - 30, ended=ended))
    plan = decide(project(DESK), stored)
    assert lines(plan) == [expected]
    assert plan.actions[0].attempt == (attempt + 1 if "create" in expected else 1)
    assert not plan.actions[0].waits_indefinitely


def test_session_that_ran_just_long_enough_has_no_back_off():
    stored = state(record(DESK, "failed", started=NOW - 600, ended=NOW))
    assert kinds(decide(project(DESK), stored)) == ["create desk"]


def test_session_that_somebody_deleted_early_is_created_after_a_back_off():
    stored = state(record(DESK, accepted=NOW - 60))
    assert lines(decide(project(DESK), stored, seen(not_found=["desk"]))) == [
        "wait desk (someone deleted its session after 60s; it restarts in 10s)",
    ]


def test_old_session_that_somebody_deleted_is_created_at_once():
    (action,) = decide(project(DESK), state(record(DESK)), seen(not_found=["desk"])).actions
    assert (action.kind, reason_text(action.reason), action.counts_as_mass) == (
        "create",
        "someone deleted its session",
        True,
    )


def test_unconfirmed_create_of_an_interactive_session_is_never_unknown():
    stored = state(intent(DESK, at=NOW - HOUR))
    assert observe(stored, seen()).replicas == ()
    assert lines(decide(project(DESK), stored)) == ["create desk (not in the state and not live)"]


def test_ended_session_is_replaced_by_its_create_alone():
    stored = state(record(DESK, "done", ended=NOW))
    assert lines(decide(project(desktop(image="x/y:2")), stored)) == ["replace desk (spec changed)"]


def test_arguments_that_the_server_ignores_change_nothing():
    changed = desktop(cmd="bash", args=("x",), env={"A": "b"})
    assert kinds(decide(project(changed), state(record(DESK)), seen(desk()))) == ["unchanged desk"]


def test_more_of_them_replace_only_what_changes_its_name():
    two, three = desktop(replicas=2), desktop(replicas=3)
    entries = [record(two, number=number) for number in (1, 2)]
    sessions = seen(*(live(f"desk-{number}", kind="notebook") for number in (1, 2)))
    assert kinds(decide(project(three), state(*entries), sessions)) == [
        "unchanged desk-1",
        "unchanged desk-2",
        "create desk-3",
    ]
    assert kinds(decide(project(two), state(record(DESK)), seen(desk()))) == ["replace desk-1", "create desk-2"]


def test_protected_work_that_is_done_is_not_overwritten_by_another_kind():
    stored = state(record(spec("desk", protect=True), "done"))
    assert kinds(decide(project(desktop(protect=True)), stored)) == ["protected desk"]
    ended = state(record(desktop(protect=True), "done"))
    assert kinds(decide(project(spec("desk", protect=True)), ended)) == ["replace desk"]


def test_limit_of_the_server_is_waited_for():
    theirs = [live(f"theirs-{number}", "Pending", kind="carta") for number in (1, 2)]
    ended = live("theirs-3", "Completed", kind="carta")
    wanted = project(spec(), desktop("a"), desktop("b"), desktop("c"))
    plan = decide(wanted, None, seen(*theirs, ended, live("job")), facts=offer(max_interactive=4))
    assert lines(plan) == [
        "create reduce (not in the state and not live)",
        "create a (not in the state and not live)",
        "create b (not in the state and not live)",
        "wait c (the server's limit of 4 interactive sessions is reached)",
    ]
    assert plan.actions[3].waits_indefinitely
    assert kinds(decide(wanted, None, seen(*theirs)))[3] == "create c"


def test_replace_of_an_active_session_needs_no_further_slot():
    stored = state(record(DESK))
    plan = decide(project(desktop(image="x/y:2")), stored, seen(desk()), facts=offer(max_interactive=1))
    assert kinds(plan) == ["replace desk"]
    assert observe(stored, seen(desk())).replicas[0].phase == "running"
