"""Pending deletes: they are waited for, and the next action depends on whether the DELETE was sent."""

from __future__ import annotations

import pytest
from scene import (
    HOUR,
    NOW,
    SETTLE,
    decide,
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

from skaha_apply.model.session import Phase

CHANGED = spec(args=("new.py",))


def deleting(**fields):
    return state(record(spec(), id="old"), pending_delete("old", spec(), **{"why": "replace"} | fields))


def test_session_with_a_pending_delete_that_is_listed_is_waited_for():
    plan = decide(project(CHANGED), deleting(), seen(live("reduce", id="old")))
    assert lines(plan) == ["wait reduce (its session is being deleted)"]


def test_pod_of_a_deleted_session_is_waited_for_when_no_listing_shows_it():
    assert kinds(decide(project(CHANGED), deleting(), seen())) == ["wait reduce"]


@pytest.mark.parametrize(
    ("pending", "listed"),
    [({}, {"ended_pods": ["old"]}), ({"at": NOW - 60}, {}), ({"active": False}, {})],
    ids=["pod gone", "a minute later", "had no pod"],
)
def test_replica_is_due_after_its_delete(pending, listed):
    assert lines(decide(project(CHANGED), deleting(**pending), seen(**listed))) == [
        "create reduce (its session was deleted)",
    ]
    assert not observe(deleting(**pending), seen(**listed)).tombstones


def test_incomplete_listing_confirms_no_delete():
    stored = deleting(at=NOW - 60)
    assert observe(stored, seen(whole=False)).tombstones
    assert not observe(stored, seen(whole=False, not_found=["old"])).tombstones


def test_removed_replica_is_retired_when_its_session_has_disappeared():
    stored = deleting(why="delete", at=NOW - 60)
    assert kinds(decide(project(spec("other")), stored, seen(live("reduce", id="old")))) == [
        "create other",
        "wait reduce",
    ]
    assert kinds(decide(project(spec("other")), stored, seen())) == ["create other", "retired reduce"]


def test_replica_deleted_for_a_hold_is_on_hold():
    plan = decide(project(spec()), deleting(why="hold", at=NOW - 60), seen())
    assert lines(plan) == ["unchanged reduce (on hold)"]


def test_delete_that_was_never_sent_is_dropped_after_the_settle_time():
    stored = deleting(sent=False)
    shown = live("reduce", "Completed", id="old")
    assert observe(stored, seen(shown, found=NOW - SETTLE + 1)).tombstones
    assert observe(stored, seen(shown, in_flight={("reduce", 1)})).tombstones
    after = observe(stored, seen(shown))
    assert (after.tombstones, only(after).phase) == ((), Phase.DONE)


def test_delete_that_was_sent_and_had_no_effect_is_still_open():
    assert observe(deleting(at=NOW - HOUR), seen(live("reduce", id="old"))).tombstones


def test_terminating_shows_that_the_delete_had_arrived():
    assert observe(deleting(sent=False), seen(live("reduce", "Terminating", id="old"))).tombstones


@pytest.mark.parametrize(("age", "phase"), [(HOUR / 2 - 1, Phase.DUE), (HOUR / 2 + 1, Phase.RUNNING)])
def test_session_that_may_have_expired_on_its_own_is_not_taken_for_deleted(age, phase):
    after = observe(deleting(sent=False, at=NOW - age), seen())
    assert (after.tombstones, only(after).phase) == ((), phase)


def test_pending_delete_without_a_record_is_waited_for_too():
    stored = state(pending_delete("theirs", spec(), why="take-over"))
    assert kinds(decide(project(spec()), stored, seen(live("reduce", id="theirs")))) == ["wait reduce"]
    assert kinds(decide(project(spec()), stored, seen(ended_pods=["theirs"]))) == ["create reduce"]
