"""Unconfirmed creates: what a later listing shows, and which duplicate sessions the tool deletes."""

from __future__ import annotations

import pytest
from scene import (
    HOUR,
    NOW,
    SETTLE,
    decide,
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
    unconfirmed,
)

from skaha_apply.model.session import Phase

WAITS = "create request unconfirmed; waiting for a session listing to confirm it"


def test_open_intent_within_the_settle_time_waits():
    asked_too_early = seen(live("reduce"), asked=NOW - 30 + SETTLE - 1)
    stored = state(intent(spec()))
    assert lines(decide(project(spec()), stored, asked_too_early)) == [f"wait reduce ({WAITS})"]
    assert observe(stored, asked_too_early).intents


def test_settle_time_of_an_intent_of_a_dead_run_begins_when_this_process_finds_it():
    stored = state(intent(spec(), given_up=None))
    assert observe(stored, seen(found=NOW - SETTLE + 1)).intents
    assert not observe(stored, seen(found=NOW - SETTLE)).intents


@pytest.mark.parametrize("hidden", [{"whole": False}, {"in_flight": {("reduce", 1)}}], ids=["cut list", "in flight"])
def test_incomplete_list_or_request_of_our_own_decides_nothing(hidden):
    assert observe(state(intent(spec())), seen(**hidden)).intents


def test_new_session_of_that_name_is_adopted_with_the_digests_of_the_intent():
    stored = state(intent(spec()))
    observation = seen(live("reduce", "Pending", id="new"))
    assert lines(decide(project(spec()), stored, observation)) == [
        "adopt reduce (found the session of an unconfirmed create request)",
    ]
    found = only(observe(stored, observation))
    assert (found.id, found.phase, found.work) == ("new", Phase.PENDING, stored.intents[0].work)


def test_adopted_session_of_an_earlier_manifest_is_replaced():
    stored = state(intent(spec()))
    changed = spec(args=("other.py",))
    assert kinds(decide(project(changed), stored, seen(live("reduce", id="new")))) == ["replace reduce"]


@pytest.mark.parametrize(
    "unmanaged",
    [live("reduce", id="listed"), live("reduce", id="n", image="x/y:1"), live("reduce", id="n", ram=64.0)],
    ids=["listed before", "other image", "other ram"],
)
def test_session_that_is_not_new_or_does_not_match_is_not_adopted(unmanaged):
    stored = state(intent(spec(), listed=("listed",)))
    assert not observe(stored, seen(unmanaged)).replicas
    assert kinds(decide(project(spec()), stored, seen(unmanaged))) == ["conflict reduce"]


@pytest.mark.parametrize(("age", "expected"), [(HOUR / 2 - 1, "create reduce"), (HOUR / 2 + 1, "unknown reduce")])
def test_no_session_is_created_while_its_result_could_not_have_expired(age, expected):
    stored = state(intent(spec(), at=NOW - age, attempt=2))
    plan = decide(project(spec()), stored, seen())
    assert kinds(plan) == [expected]


def test_create_after_an_intent_for_a_record_keeps_its_attempt():
    stored = state(record(spec(), "due", attempt=3), intent(spec(), attempt=3))
    (action,) = decide(project(spec()), stored, seen()).actions
    assert (action.kind, action.attempt) == ("create", 3)


@pytest.mark.parametrize("age", [60, HOUR])
@pytest.mark.parametrize("shown", ["Running", "Completed"])
def test_run_that_died_before_the_delete_of_a_replace_has_changed_nothing(age, shown):
    old, new = spec(), spec(args=("new.py",))
    written_ahead = [
        pending_delete("old", old, sent=False, at=NOW - age, why="replace"),
        intent(new, given_up=None, at=NOW - age),
    ]
    stored = state(record(old, id="old"), *written_ahead)
    after = observe(stored, seen(live("reduce", shown, id="old")))
    assert (only(after).id, only(after).phase.ended) == ("old", shown == "Completed")
    assert (after.intents, after.tombstones, after.doubts) == ((), (), ())
    deleted = " -old" if shown == "Running" else ""
    assert lines(decide(project(new), after, seen(live("reduce", shown, id="old")))) == [
        f"replace reduce{deleted} (spec changed)",
    ]


def test_one_session_is_adopted_by_one_replica_only():
    numbered, single = spec("tile", replicas=2), spec("tile-1")
    after = observe(state(intent(numbered), intent(single)), seen(live("tile-1", id="new")))
    assert [(one.key, one.id) for one in after.replicas] == [(("tile", 1), "new")]


DOUBLE = "duplicate session from an unconfirmed create request"


def test_unconfirmed_create_without_a_session_is_kept_for_a_day():
    after = observe(state(intent(spec(), posts=2, listed=("before",))), seen())
    (left,) = after.doubts
    assert (left.posts, left.listed, left.since) == (2, ("before",), NOW - 60)
    assert observe(after, seen(at=left.since + 86_400)).doubts
    assert not observe(after, seen(at=left.since + 86_401)).doubts


def test_unconfirmed_creates_of_one_replica_add_up():
    after = observe(state(unconfirmed(spec(), posts=2, listed=("a",)), intent(spec(), listed=("b",))), seen())
    (left,) = after.doubts
    assert (left.posts, left.listed) == (3, ("a",))  # before the first of them


def test_adopted_session_accounts_for_one_request():
    assert not observe(state(intent(spec())), seen(live("reduce", id="new"))).doubts
    (left,) = observe(state(intent(spec(), posts=2)), seen(live("reduce", id="new"))).doubts
    assert left.posts == 1


def test_duplicate_session_of_an_unconfirmed_create_is_deleted():
    stored = state(record(spec()), unconfirmed(spec()))
    plan = decide(project(spec()), stored, seen(live("reduce"), live("reduce", "Pending", id="late")))
    assert lines(plan) == [f"delete reduce -late ({DOUBLE})", "unchanged reduce (running)"]


@pytest.mark.parametrize(
    "unmanaged",
    [live("reduce", id="before"), live("reduce", id="n", image="x/y:1"), live("reduce", id="n", kind="notebook")],
    ids=["listed before", "other image", "other kind"],
)
def test_session_that_cannot_be_a_duplicate_is_not_touched(unmanaged):
    stored = state(record(spec()), unconfirmed(spec(), listed=("before",)))
    assert kinds(decide(project(spec()), stored, seen(live("reduce"), unmanaged))) == ["unchanged reduce"]


def test_more_sessions_than_unconfirmed_requests_are_not_touched():
    sessions = live("reduce"), live("reduce", id="one"), live("reduce", id="two")
    assert kinds(decide(project(spec()), state(record(spec()), unconfirmed(spec())), seen(*sessions))) == [
        "unchanged reduce"
    ]
    plan = decide(project(spec()), state(record(spec()), unconfirmed(spec(), posts=2)), seen(*sessions))
    assert kinds(plan) == ["delete reduce", "delete reduce", "unchanged reduce"]


def test_duplicate_session_with_a_pending_delete_accounts_for_its_request():
    stored = state(record(spec()), unconfirmed(spec()), pending_delete("late", spec(), why="surplus"))
    sessions = live("reduce"), live("reduce", id="late"), live("reduce", id="theirs")
    assert kinds(decide(project(spec()), stored, seen(*sessions))) == ["unchanged reduce"]


@pytest.mark.parametrize("posts", [1, 2])
def test_duplicate_session_that_disappeared_accounts_for_its_request(posts):
    stored = state(record(spec()), unconfirmed(spec(), posts=posts), pending_delete("late", spec(), why="surplus"))
    after = observe(stored, seen(live("reduce"), ended_pods=["late"]))
    assert [one.posts for one in after.doubts] == [1] * (posts - 1)


@pytest.mark.parametrize(
    ("ours", "late", "kept"),
    [
        ("Pending", "Running", "late"),
        ("Running", "Pending", "ours"),
        ("Running", "Completed", "late"),
        ("Completed", "Running", "ours"),
        ("Failed", "Pending", "late"),
    ],
)
def test_of_two_sessions_the_more_advanced_one_is_kept(ours, late, kept):
    stored = state(record(spec(), "pending", id="ours"), unconfirmed(spec()))
    observation = seen(live("reduce", ours, id="ours"), live("reduce", late, id="late"))
    after = observe(stored, observation)
    assert only(after).id == kept
    (delete,) = [one for one in decide(project(spec()), stored, observation).actions if one.kind == "delete"]
    assert {delete.id, kept} == {"ours", "late"}


def test_duplicate_session_of_an_earlier_spec_never_replaces_the_new_session():
    stored = state(record(spec(args=("new.py",)), "pending", id="ours"), unconfirmed(spec()))
    after = observe(stored, seen(live("reduce", "Pending", id="ours"), live("reduce", id="late")))
    assert only(after).id == "ours"


@pytest.mark.parametrize("entries", [(), (record(spec(), "due"),), (record(spec(), "unknown", id=None),)])
def test_late_session_of_an_unconfirmed_create_becomes_the_replica_if_there_is_none(entries):
    stored = state(unconfirmed(spec(), attempt=2), *entries)
    observation = seen(live("reduce", id="late"))
    assert lines(decide(project(spec()), stored, observation)) == ["unchanged reduce (running)"]
    after = observe(stored, observation)
    assert (only(after).id, only(after).attempt) == ("late", 2)


@pytest.mark.parametrize(
    "held_up", [{"in_flight": {("reduce", 1)}}, {"whole": False}], ids=["in flight", "open intent"]
)
def test_late_session_is_not_adopted_while_a_create_is_under_way(held_up):
    entries = () if "in_flight" in held_up else (intent(spec()),)
    assert not observe(state(unconfirmed(spec()), *entries), seen(live("reduce", id="late"), **held_up)).replicas


def test_session_that_an_open_create_has_made_is_its_result_whatever_came_before():
    """A listing after the settle time decided the earlier create: a session that appears later is of the open one."""
    new = spec(args=("new.py",))
    after = observe(state(unconfirmed(spec()), intent(new)), seen(live("reduce", id="fresh")))
    assert (only(after).id, only(after).work) == ("fresh", intent(new).work)


def test_session_of_one_of_two_unconfirmed_creates_with_different_work_is_unmanaged():
    old, new = spec(), spec(args=("new.py",))
    stored = observe(state(unconfirmed(old), intent(new)), seen())
    observation = seen(live("reduce", id="late"))
    after = observe(stored, observation)
    assert after.doubts
    assert all(one.phase is Phase.DUE for one in after.replicas)
    assert lines(decide(project(new), stored, observation)) == [
        f"delete reduce -late ({DOUBLE})",
        "wait reduce (another session of this replica is deleted first)",
    ]
    ended = seen(live("reduce", "Completed", id="late"))
    assert kinds(decide(project(new), stored, ended)) == ["delete reduce", "create reduce"]


def test_replica_whose_duplicate_is_deleted_is_replaced_after_the_delete():
    new = spec(args=("new.py",))
    stored = state(record(spec()), unconfirmed(spec()))
    plan = decide(project(new), stored, seen(live("reduce"), live("reduce", "Pending", id="late")))
    assert lines(plan) == [
        f"delete reduce -late ({DOUBLE})",
        "replace reduce -reduce held back (spec changed; another session of this replica is deleted first)",
    ]
    assert not any(action.waits_indefinitely for action in plan.actions)


def test_create_that_waits_for_the_delete_of_a_duplicate_is_waited_for():
    stored = state(unconfirmed(spec(), work="", run=""))
    _, waits = decide(project(spec()), stored, seen(live("reduce", id="late"))).actions
    assert (waits.kind, waits.waits_indefinitely) == ("wait", False)


def test_no_duplicate_is_reported_while_an_open_create_can_have_made_it():
    stored = state(record(spec()), unconfirmed(spec()), intent(spec()))
    undecided = seen(live("reduce"), live("reduce", id="late"), whole=False)
    assert kinds(decide(project(spec()), stored, undecided)) == ["wait reduce"]
