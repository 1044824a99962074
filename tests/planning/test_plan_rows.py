"""The decision table for what the manifest asks for: one row after the other, each with the plan as text."""

from __future__ import annotations

import pytest
from scene import (
    HOUR,
    NOW,
    decide,
    kinds,
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
)

from skaha_apply.model.session import Phase

CHANGED = spec(args=("run.py", "--deep"))
MORE_RAM = spec(ram=64)


def test_nothing_known_and_nothing_live_is_created_in_the_order_of_the_manifest():
    plan = decide(project(spec("b", replicas=2), spec("A")))
    assert lines(plan) == [f"create {name} (not in the state and not live)" for name in ("b-1", "b-2", "a")]
    assert (plan.has_changes, plan.summary["create"], plan.summary["done"]) == (True, 3, 0)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Pending", "unchanged reduce (pending)"),
        ("Running", "unchanged reduce (running)"),
        ("Terminating", "unchanged reduce (terminating)"),
        ("Suspended", "unchanged reduce (the server reports the status Suspended)"),
        ("", "unchanged reduce (the server reports the status unknown)"),
        ("Completed", "done reduce (completed)"),
        ("succeeded", "done reduce (completed)"),
        ("Failed", "failed reduce (failed in attempt 1)"),
        ("Error", "failed reduce (failed in attempt 1)"),
    ],
)
def test_live_status_decides_while_nothing_changed(status, expected):
    plan = decide(project(spec()), state(record(spec())), seen(live("reduce", status)))
    assert lines(plan) == [expected]
    assert not plan.has_changes


def test_accepted_session_counts_as_active():
    plan = decide(project(spec()), state(record(spec(), "accepted", accepted=NOW)))
    assert lines(plan) == ["unchanged reduce (accepted by the server, not listed yet)"]


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        ("done", "done reduce (completed)"),
        ("failed", "failed reduce (failed in attempt 1)"),
        ("unknown", "unknown reduce (vanished; on hold until `mark complete` or `mark rerun`)"),
        ("due", "create reduce (vanished)"),
        ("gone", "create reduce (vanished; treated as deleted)"),
        ("held", "unchanged reduce (on hold)"),
    ],
)
@pytest.mark.parametrize("days", [0, 2, 1000])
def test_record_decides_regardless_of_its_age(phase, expected, days):
    then = NOW - days * 24 * HOUR
    note = "" if phase == "failed" else "vanished"
    stored = state(record(spec(), phase, seen=then, ended=then, note=note))
    assert lines(decide(project(spec()), stored)) == [expected]


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        ("running", "replace reduce -reduce (spec changed)"),
        ("accepted", "replace reduce -reduce (spec changed)"),
        ("done", "replace reduce (spec changed)"),
        ("failed", "replace reduce (spec changed)"),
        ("unknown", "replace reduce (spec changed)"),
        ("due", "create reduce (its session was deleted)"),
        ("held", "unchanged reduce (on hold)"),
    ],
)
def test_changed_work(phase, expected):
    plan = decide(project(CHANGED), state(record(spec(), phase)))
    assert lines(plan) == [expected]
    changes = [(change.path, change.before, change.after) for change in plan.actions[0].changes]
    assert changes == ([] if phase == "held" else [("args[1]", None, "--deep")])


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        ("running", "replace reduce"),
        ("failed", "replace reduce"),
        ("unknown", "replace reduce"),
        ("done", "done reduce"),
    ],
)
def test_changed_resources_never_run_finished_work_again(phase, expected):
    assert kinds(decide(project(MORE_RAM), state(record(spec(), phase)))) == [expected]


def test_changed_replica_counts_its_attempts_from_1():
    for phase in ("failed", "due"):
        (action,) = decide(project(MORE_RAM), state(record(spec(), phase, attempt=3))).actions
        assert action.attempt == 1


@pytest.mark.parametrize("changed", [CHANGED, spec(args=("run.py", "--deep"), protect=True)])
@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        ("running", "protected reduce (spec changed, but it is protected)"),
        ("done", "protected reduce (spec changed, but it is protected)"),
        ("failed", "replace reduce (spec changed)"),
    ],
)
def test_protected_replica_is_not_replaced_also_when_the_line_goes_with_the_change(changed, phase, expected):
    stored = state(record(spec(protect=True), phase))
    assert lines(decide(project(changed), stored, force=True)) == [expected]


@pytest.mark.parametrize(
    "same",
    [
        spec(cores=2.0, ram=8.0),
        spec("REDUCE"),
        spec(protect=True),
        spec(file="elsewhere.yaml"),
        spec(env={}, needs=()),
    ],
    ids=["whole floats", "case of the name", "protect", "file", "empty fields"],
)
def test_equal_values_are_not_a_difference(same):
    assert kinds(decide(project(same), state(record(spec())), seen(live("reduce")))) == ["unchanged reduce"]


def test_other_notation_of_the_server_is_not_a_difference():
    shown = live("reduce", ram=8.59, cores=None, image="other/image:1", kind="Headless")
    assert kinds(decide(project(spec()), state(record(spec())), seen(shown))) == ["unchanged reduce"]


def test_more_replicas_are_another_cut_and_replace_all():
    before, after = spec(replicas=2), spec(replicas=3)
    stored = state(record(before, "done"), record(before, number=2))
    plan = decide(project(after), stored, seen(live("reduce-2")))
    assert lines(plan) == [
        "replace reduce-1 (spec changed)",
        "replace reduce-2 -reduce-2 (spec changed)",
        "create reduce-3 (not in the state and not live)",
    ]
    assert [change.path for change in plan.actions[0].changes] == ["replicas"]
    assert plan.recomputed == 1


def test_one_replica_that_becomes_two_takes_its_new_name():
    plan = decide(project(spec(replicas=2)), state(record(spec(), id="x")), seen(live("reduce", id="x")))
    assert lines(plan) == [
        "replace reduce-1 -x (spec changed)",
        "create reduce-2 (not in the state and not live)",
    ]


def test_new_name_of_an_unmanaged_session_is_a_conflict_and_the_old_session_stays():
    sessions = seen(live("reduce", id="x"), live("reduce-1", id="theirs"))
    plan = decide(project(spec(replicas=2)), state(record(spec(), id="x")), sessions)
    assert kinds(plan) == ["conflict reduce-1", "create reduce-2"]
    assert not any(action.sessions_to_delete for action in plan.actions)


def test_headless_that_becomes_a_notebook_is_replaced():
    notebook = spec(kind="notebook", cmd=None, args=())
    assert lines(decide(project(notebook), state(record(spec())), seen(live("reduce")))) == [
        "replace reduce -reduce (spec changed)",
    ]


def test_order_is_delete_then_replace_then_the_rest_each_as_in_the_manifest():
    removed = spec("zero")
    stored = state(record(removed), record(spec("b"), "failed"), record(spec("a")), record(spec("c")))
    wanted = project(spec("new"), spec("c", args=()), spec("b"), spec("a", args=()))
    assert kinds(decide(wanted, stored)) == ["delete zero", "replace c", "replace a", "create new", "failed b"]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (spec(), "unchanged reduce"),
        (CHANGED, "replace reduce"),
        (MORE_RAM, "replace reduce"),
        (spec(protect=True, file="x.yaml"), "unchanged reduce"),
    ],
)
def test_digests_of_another_version_are_not_compared_the_recorded_spec_is(now, expected):
    old = record(spec(), work="0:old", run="0:old")
    assert kinds(decide(project(now), state(old), seen(live("reduce")))) == [expected]


def test_digests_of_another_version_and_finished_work_with_more_ram():
    old = record(spec(), "done", work="0:old", run="0:old")
    assert kinds(decide(project(MORE_RAM), state(old))) == ["done reduce"]


def test_digests_of_another_version_ignore_what_digests_ignore():
    needed = (spec("first"), spec("second"))
    before = spec(needs=("first", "second"))
    stored = state(
        record(before, needed=needed, work="0:old", run="0:old"),
        *(record(one, "done") for one in needed),
        record(spec("desk", kind="notebook"), work="0:old", run="0:old"),
    )
    wanted = project(*needed, spec(needs=("Second", "first")), spec("desk", kind="notebook", args=("ignored",)))
    sessions = seen(live("reduce"), live("desk", kind="notebook"))
    assert kinds(decide(wanted, stored, sessions)) == [
        "done first",
        "done second",
        "unchanged reduce",
        "unchanged desk",
    ]


def test_replica_stays_on_hold_until_it_is_marked_and_waits_while_it_is_deleted():
    stored = state(record(spec(), "held"), pending_delete("reduce", spec(), why="hold"))
    assert kinds(decide(project(spec()), stored, seen(live("reduce")))) == ["wait reduce"]


def test_record_follows_what_the_list_shows():
    started = NOW - 500
    after = observe(state(record(spec(), "pending")), seen(live("reduce", started=started)))
    assert (only(after).phase, only(after).seen, only(after).started) == (Phase.RUNNING, NOW, started)
    ended = observe(after, seen(live("reduce", "Failed"), at=NOW + 60))
    assert (only(ended).phase, only(ended).ended, only(ended).started) == (Phase.FAILED, NOW + 60, started)


def test_run_number_of_the_record_is_kept_by_what_is_created_for_it():
    stored = state(record(spec(), "due", run_number=3))
    (action,) = decide(project(spec()), stored).actions
    assert action.desired == replica(spec(), run_numbers={("reduce", 1): 3})
