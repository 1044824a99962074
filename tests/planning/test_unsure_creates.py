"""Creates without a clear answer: what a later list teaches, and which doubles are ours to remove."""

from __future__ import annotations

import pytest
from scene import HOUR, NOW, SETTLE, decide, doubt, intent, kinds, lines, live, look, only, project, record, seen, spec
from scene import state, tombstone

from skaha_apply.model.session import Phase

WAITS = "an earlier create has had no clear answer; a later list decides"


def test_open_intent_that_is_not_settled_waits():
    asked_too_early = seen(live("reduce"), asked=NOW - 30 + SETTLE - 1)
    memory = state(intent(spec()))
    assert lines(decide(project(spec()), memory, asked_too_early)) == [f"wait reduce ({WAITS})"]
    assert look(memory, asked_too_early).intents


def test_intent_of_a_run_that_died_is_settled_from_when_this_process_found_it():
    memory = state(intent(spec(), given_up=None))
    assert look(memory, seen(found=NOW - SETTLE + 1)).intents
    assert not look(memory, seen(found=NOW - SETTLE)).intents


@pytest.mark.parametrize("hidden", [{"whole": False}, {"in_flight": {("reduce", 1)}}], ids=["cut list", "in flight"])
def test_incomplete_list_or_request_of_our_own_decides_nothing(hidden):
    assert look(state(intent(spec())), seen(**hidden)).intents


def test_new_session_of_that_name_is_adopted_with_the_digests_of_the_intent():
    memory = state(intent(spec()))
    observation = seen(live("reduce", "Pending", id="new"))
    assert lines(decide(project(spec()), memory, observation)) == [
        "adopt reduce (made by an earlier create whose answer was lost)",
    ]
    found = only(look(memory, observation))
    assert (found.id, found.phase, found.work) == ("new", Phase.PENDING, memory.intents[0].work)


def test_adopted_session_of_an_earlier_manifest_is_replaced():
    memory = state(intent(spec()))
    changed = spec(args=("other.py",))
    assert kinds(decide(project(changed), memory, seen(live("reduce", id="new")))) == ["replace reduce"]


@pytest.mark.parametrize(
    "stranger",
    [live("reduce", id="listed"), live("reduce", id="n", image="x/y:1"), live("reduce", id="n", ram=64.0)],
    ids=["listed before", "other image", "other ram"],
)
def test_what_is_not_new_or_does_not_match_is_not_adopted(stranger):
    memory = state(intent(spec(), listed=("listed",)))
    assert not look(memory, seen(stranger)).replicas
    assert kinds(decide(project(spec()), memory, seen(stranger))) == ["conflict reduce"]


@pytest.mark.parametrize(("age", "expected"), [(HOUR / 2 - 1, "create reduce"), (HOUR / 2 + 1, "unknown reduce")])
def test_no_session_is_created_while_its_result_could_not_have_expired(age, expected):
    memory = state(intent(spec(), at=NOW - age, attempt=2))
    plan = decide(project(spec()), memory, seen())
    assert kinds(plan) == [expected]


def test_create_after_an_intent_for_a_record_keeps_its_attempt():
    memory = state(record(spec(), "due", attempt=3), intent(spec(), attempt=3))
    (action,) = decide(project(spec()), memory, seen()).actions
    assert (action.kind, action.attempt) == ("create", 3)


@pytest.mark.parametrize("age", [60, HOUR])
@pytest.mark.parametrize("shown", ["Running", "Completed"])
def test_run_that_died_before_the_delete_of_a_replace_has_changed_nothing(age, shown):
    old, new = spec(), spec(args=("new.py",))
    written_ahead = [tombstone("old", old, sent=False, at=NOW - age, why="replace"), intent(new, given_up=None, at=NOW - age)]
    memory = state(record(old, id="old"), *written_ahead)
    after = look(memory, seen(live("reduce", shown, id="old")))
    assert (only(after).id, only(after).phase.ended) == ("old", shown == "Completed")
    assert not (after.intents or after.tombstones or after.doubts)
    victims = " -old" if shown == "Running" else ""
    assert lines(decide(project(new), after, seen(live("reduce", shown, id="old")))) == [
        f"replace reduce{victims} (spec changed)",
    ]


def test_one_session_is_adopted_by_one_replica_only():
    numbered, single = spec("tile", replicas=2), spec("tile-1")
    after = look(state(intent(numbered), intent(single)), seen(live("tile-1", id="new")))
    assert [(one.key, one.id) for one in after.replicas] == [(("tile", 1), "new")]
