"""The scope of an invocation, and the approval that its plan needs."""

from __future__ import annotations

import pytest
from scene import decide, kinds, live, project, record, seen, spec, state, unconfirmed

from skaha_apply.model.masking.session_ids import short_id
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.planning.options import Adopt
from skaha_apply.planning.safety.approval import approval_digest, differences
from skaha_apply.planning.selection import matches, ranges

OLD, NEW = spec("old"), spec("new", replicas=3)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({}, ["delete old", "replace same", "create new-1", "create new-2", "create new-3"]),
        ({"targets": ("new",)}, ["create new-1", "create new-2", "create new-3"]),
        ({"targets": ("NEW/2-3",)}, ["create new-2", "create new-3"]),
        ({"targets": ("n*", "same"), "excludes": ("new/1,3",)}, ["replace same", "create new-2"]),
        ({"targets": ("old",)}, []),
        ({"excludes": ("new",)}, ["replace same"]),
        ({"targets": ("nothing",)}, []),
    ],
)
def test_scope_limits_actions_and_deletes_nothing_because_of_removed_lines(scope, expected):
    stored = state(record(OLD), record(spec("same")))
    wanted = project(NEW, spec("same", args=("x",)))
    plan = decide(wanted, stored, seen(live("old"), live("same")), **scope)
    assert kinds(plan) == expected


def test_scope_adds_no_dependency_and_dependencies_still_count():
    wanted = project(spec("first"), spec("second", needs=("first",)))
    assert kinds(decide(wanted, None, targets=("second",))) == ["blocked second"]


def test_destroy_of_a_target_deletes_it():
    stored = state(record(OLD), record(spec("same")))
    plan = decide(project(), stored, seen(live("old"), live("same")), destroy=True, targets=("old",))
    assert kinds(plan) == ["delete old"]


@pytest.mark.parametrize("pattern", ["tile", "TILE", "t?le/2", "*", "tile/1-3", "tile/9,2"])
def test_patterns_that_mean_it(pattern):
    assert matches(pattern, "tile", 2)


@pytest.mark.parametrize("pattern", ["til", "tile-2", "tile/1", "tile/3-9"])
def test_patterns_that_do_not(pattern):
    assert not matches(pattern, "tile", 2)


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "1,", "1-b", "1.5"])
def test_malformed_list_of_replicas(text):
    with pytest.raises(ValueError, match="write 3, 7-9 or 3,7-9"):
        ranges(text)


def actions(plan):
    return [line for line in plan.approved if line.startswith("! ")]


def test_what_is_approved_are_the_desired_set_and_what_cannot_be_undone():
    stored = state(record(OLD), record(spec("same")), record(spec("done"), "done"))
    sessions = seen(live("old"), live("same"), live("theirs", id="t"))
    wanted = project(spec("same", args=("x", "y")), spec("done"), spec("theirs"), spec("create"))
    plan = decide(wanted, stored, sessions, adopt=Adopt.ACTIVE, excludes=("nothing",))
    assert actions(plan) == [
        f"! adopt theirs 1 {short_id('t')}",
        f"! replace same 1 {short_id('same')} args[0],args[1]",
    ]  # a limited scope
    assert [line.split()[1] for line in plan.approved if line[0] == "="] == ["create/1", "done/1", "same/1", "theirs/1"]
    assert plan.digest == approval_digest(plan.approved)
    assert actions(decide(wanted, stored, sessions))[0] == f"! delete old 1 {short_id('old')}"


def test_take_over_is_approved_with_every_session_that_it_deletes():
    two = [live("reduce", id="a"), live("reduce", id="b")]
    before = decide(project(spec()), None, seen(*two), take_over=True)
    assert actions(before) == [f"! replace reduce 1 {short_id('a')},{short_id('b')}"]
    after = decide(project(spec()), None, seen(*two, live("reduce", id="c")), take_over=True)
    assert differences(before.approved, after.approved)


def test_what_our_own_creates_left_behind_needs_no_approval():
    stored = state(record(spec()), unconfirmed(spec()))
    plan = decide(project(spec()), stored, seen(live("reduce"), live("reduce", "Pending", id="late")))
    assert (kinds(plan)[0], actions(plan)) == ("delete reduce", [])


@pytest.mark.parametrize(("phase", "status"), [("running", "Running"), ("running", "Completed"), ("failed", "Failed")])
def test_replace_is_the_same_approval_while_its_session_ends_and_while_it_waits(phase, status):
    stored = state(record(spec(), phase))
    plan = decide(project(spec(args=("x",))), stored, seen(live("reduce", status)))
    assert actions(plan) == [f"! replace reduce 1 {short_id('reduce')} args[0]"]
    needs = decide(project(spec("first"), spec(args=("x",), needs=("first",))), stored, seen(live("reduce", status)))
    assert actions(needs) == [f"! replace reduce 1 {short_id('reduce')} args[0],needs[0]"]


def approved(*specs, stored=None, listed=None):
    return decide(project(*specs), stored, listed).approved


def test_approval_is_valid_while_replicas_end_or_are_created_or_disappear():
    stored = state(record(spec()), record(spec("other")))
    wanted = spec(), spec("other", ram=64), spec("new")
    before = approved(*wanted, stored=stored, listed=seen(live("reduce"), live("other")))
    later = state(*stored.replicas, record(spec("new")))
    after = approved(*wanted, stored=later, listed=seen(live("other", "Completed"), live("new"), not_found=["reduce"]))
    assert differences(before, after) == ()


def test_approval_does_not_hold_for_another_desired_set_or_another_destructive_action():
    stored, listed = state(record(spec()), record(OLD)), seen(live("reduce"), live("old"))
    before = approved(spec(), OLD, stored=stored, listed=listed)
    changed = differences(before, approved(spec(args=("x",)), OLD, stored=stored, listed=listed))
    assert len(changed) == 2
    assert "would run other work" in changed[0]
    assert "reduce" in changed[1]
    removed = differences(before, approved(spec(), stored=stored, listed=listed))
    assert len(removed) == 2
    assert "delete" in removed[1]


def test_plan_of_a_new_state_states_this_and_has_its_notes():
    notes = (Reason(ReasonCode.NO_SERVER_TIME),)
    plan = decide(project(spec()), facts={"new_state": True, "notes": notes})
    assert (plan.new_state, plan.notes, plan.project) == (True, notes, "survey")
