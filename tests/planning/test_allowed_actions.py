"""What a pass may carry out: what the approval covers, did not fail yet, and what `--limit` leaves."""

from __future__ import annotations

import pytest
from scene import decide, live, project, record, seen, spec, state

from skaha_apply.planning.safety.allowed_actions import Approval, allowed_actions

OLD, SAME = spec("old"), spec("same")
EDITED = spec("same", args=("x",))
NEW = spec("new", replicas=3)
LIVE = seen(live("old"), live("same"))
STORED = state(record(OLD), record(SAME))


def changing(wanted, stored=STORED, observation=LIVE):
    return decide(project(*wanted), stored, observation)


def allowed(plan, approved, tried=(), most=None):
    """The names of the actions, of those that are not approved, and the number of those that `most` excludes."""
    found = allowed_actions(plan, Approval(approved), frozenset(tried), most)
    names = ([f"{one.kind} {one.name}" for one in some] for some in (found.actions, found.not_approved))
    return (*names, found.left_out)


def test_the_approved_plan_is_allowed_without_what_changes_nothing():
    plan = changing([SAME, NEW], STORED)
    assert [one.name for one in plan.actions if not one.kind.changes] == ["same"]
    assert allowed(plan, plan) == (["delete old", "create new-1", "create new-2", "create new-3"], [], 0)


def test_a_later_plan_is_allowed_what_was_approved_and_what_needs_no_approval():
    approved = changing([EDITED])
    assert allowed(changing([EDITED, NEW]), approved) == (
        ["delete old", "replace same", "create new-1", "create new-2", "create new-3"], [], 0,
    )  # fmt: skip


def test_a_delete_or_replace_of_a_later_plan_is_not_allowed():
    approved = changing([OLD, SAME])
    later = changing([EDITED, NEW])
    assert allowed(later, approved) == (
        ["create new-1", "create new-2", "create new-3"], ["delete old", "replace same"], 0,
    )  # fmt: skip


def test_a_replace_that_deletes_another_session_than_the_approved_one_is_not_allowed():
    approved = changing([OLD, EDITED])
    other = state(record(OLD), record(SAME, id="another"))
    later = changing([OLD, EDITED], other, seen(live("old"), live("same", id="another")))
    assert allowed(approved, approved) == (["replace same"], [], 0)
    assert allowed(later, approved) == ([], ["replace same"], 0)


@pytest.mark.parametrize("is_live", [False, True])
def test_a_replica_that_waited_in_the_approved_plan_may_replace_only_if_that_deletes_nothing(is_live):
    """Its run is new because its dependency was edited; the approved plan showed it as `wait`."""
    first, second = spec("first"), spec("second", needs=("first",))
    approved = decide(project(first, second), None, seen())
    assert [str(one.kind) for one in approved.actions] == ["create", "wait"]
    phase = "running" if is_live else "done"
    stored = state(record(first, "done"), record(second, phase, needed=[first], work="1:other", run="1:other"))
    later = decide(project(first, second), stored, seen(*[live("second")] * is_live))
    (action,) = (one for one in later.actions if one.kind.changes)
    assert (str(action.kind), len(action.sessions_to_delete)) == ("replace", int(is_live))
    assert allowed(later, approved) == (([], ["replace second"], 0) if is_live else (["replace second"], [], 0))


def test_an_attempt_that_failed_is_neither_repeated_nor_counted():
    plan = changing([SAME, NEW])
    tried = {one.attempt_key for one in plan.actions if one.name in ("old", "new-2")}
    assert allowed(plan, plan, tried) == (["create new-1", "create new-3"], [], 0)
    assert allowed(plan, plan, tried, most=1) == (["create new-1"], [], 1)


@pytest.mark.parametrize(("most", "kept"), [(None, 3), (0, 0), (2, 2), (3, 3), (9, 3)])
def test_a_limit_leaves_the_first_actions_and_counts_the_others(most, kept):
    plan = decide(project(NEW), None, seen())
    names, _, left_out = allowed(plan, plan, most=most)
    assert (names, left_out) == (["create new-1", "create new-2", "create new-3"][:kept], 3 - kept)
