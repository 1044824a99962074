"""The limits of active sessions: `parallelism` of an entry, `max_active` of the project and of the account."""

from __future__ import annotations

import pytest
from scene import (
    NOW,
    decide,
    desktop,
    intent,
    kinds,
    lines,
    live,
    matrix,
    offer,
    pending_delete,
    project,
    record,
    seen,
    spec,
    state,
    unconfirmed,
)

from skaha_apply.model.masking.session_ids import short_id
from skaha_apply.model.project import MaxActive
from skaha_apply.render.reasons import reason_text

FULL = "limit of tile-${tile} reached (parallelism 2)"


def tiles(values="abcd", parallelism=2, **fields):
    return matrix("tile", values, parallelism=parallelism, **fields)


def running(*names, **fields):
    return seen(*(live(name) for name in names), **fields)


def created(plan):
    """Who of a plan is created now."""
    return [action.name for action in plan.actions if action.kind == "create"]


def test_first_of_the_manifest_are_created_and_the_others_wait_for_time():
    plan = decide(project(*tiles()))
    assert lines(plan) == [
        "create tile-a (not in the state and not live)",
        "create tile-b (not in the state and not live)",
        f"wait tile-c ({FULL})",
        f"wait tile-d ({FULL})",
    ]


def test_slot_of_a_job_becomes_free_by_itself():
    first, *_ = tiles()
    plan = decide(project(*tiles()), state(record(first)), running("tile-a"))
    assert kinds(plan)[2:] == ["wait tile-c", "wait tile-d"]
    assert not any(action.waits_indefinitely for action in plan.actions)


A, B, C, D = tiles()
HELD = [
    ([record(A)], running("tile-a")),
    ([record(A)], seen(live("tile-a", "Pending"))),
    ([record(A)], seen(live("tile-a", "Terminating"))),
    ([record(A)], seen(live("tile-a", "Odd"))),
    ([record(A, "accepted", accepted=NOW - 1)], seen()),
    ([intent(A, given_up=NOW - 1)], seen()),
    ([pending_delete("x", A)], running("x")),
    ([pending_delete("x", A), record(A)], running("x", "tile-a")),
    ([record(A, "done"), unconfirmed(A)], seen(live("tile-a", id="late"))),
    ([record(A, "done", past=("old",))], seen(live("tile-a", id="old"))),
    ([record(A, "done"), pending_delete("x", A, why="surplus")], running("x")),
]


@pytest.mark.parametrize(
    ("entries", "observation"),
    HELD,
    ids=[
        "running",
        "pending",
        "terminating",
        "a word that is unknown",
        "accepted",
        "an open create",
        "being deleted",
        "being deleted and still listed",
        "a double",
        "an earlier one",
        "a double that is being deleted",
    ],
)
def test_each_session_that_is_or_can_be_active_takes_one_slot(entries, observation):
    assert created(decide(project(*tiles()), state(*entries), observation)) == ["tile-b"]


@pytest.mark.parametrize(
    ("entries", "observation"),
    [
        ([record(A, "done"), record(B, "failed"), record(C, "held")], seen()),
        ([pending_delete("x", A, active=False)], running("x")),
        ([record(A, "done"), pending_delete("x", A, why="surplus", active=False)], running("x")),
        ([], running("alien-1", "alien-2")),
    ],
    ids=["ended and held", "an ended one that is deleted", "an ended double", "what is not ours"],
)
def test_inactive_and_unmanaged_sessions_take_no_slot(entries, observation):
    assert len(created(decide(project(*tiles("efgh"), A, B, C), state(*entries), observation))) == 2


def test_removed_replica_keeps_its_slot_until_its_session_disappears():
    plan = decide(project(*tiles("bcd")), state(record(A)), running("tile-a"), force=True)
    assert kinds(plan) == ["delete tile-a", "create tile-b", "wait tile-c", "wait tile-d"]
    fewer = spec("reduce", replicas=3, parallelism=2)
    more = spec("reduce", replicas=4, parallelism=2)
    stored = state(*(record(more, "running", number) for number in (3, 4)))
    plan = decide(project(fewer), stored, running("reduce-3", "reduce-4"))
    assert kinds(plan) == ["delete reduce-4", "replace reduce-3", "wait reduce-1", "wait reduce-2"]


def test_limit_counts_all_replicas_of_all_combinations():
    plan = decide(project(*tiles("ab", parallelism=3, replicas=2)))
    assert created(plan) == ["tile-a-1", "tile-a-2", "tile-b-1"]


def test_full_entry_takes_no_slot_from_the_next_entry():
    wanted = project(*tiles(), spec("other"), max_active=MaxActive(project=3))
    assert created(decide(wanted)) == ["tile-a", "tile-b", "other"]


def test_replace_uses_the_slot_of_the_replaced_session():
    new = tiles("abc", image="x/y:2")
    stored = state(record(A), record(B))
    plan = decide(project(*new), stored, running("tile-a", "tile-b"))
    assert kinds(plan) == ["replace tile-a", "replace tile-b", "wait tile-c"]


def test_replace_of_an_ended_session_needs_a_free_slot():
    new = tiles("abc", image="x/y:2")
    stored = state(record(A), record(B), record(C, "done"))
    plan = decide(project(*new), stored, running("tile-a", "tile-b"))
    assert lines(plan)[2:] == [f"wait tile-c held back ({FULL})"]
    actions = [line for line in plan.approved if line.startswith("! ")]
    assert actions[2] == f"! replace tile-c 1 {short_id('tile-c')} image"


def test_with_more_active_than_the_limit_only_as_many_are_replaced_as_fit():
    values = "abcdef"
    stored = state(*(record(one) for one in tiles(values)))
    listed = running(*(f"tile-{value}" for value in values))
    new = tiles(values, image="x/y:2")
    plan = decide(project(*new), stored, listed)
    assert lines(plan)[1:4] == [
        "replace tile-b -tile-b (spec changed)",
        f"wait tile-c held back ({FULL}; spec changed)",
        f"wait tile-d held back ({FULL}; spec changed)",
    ]
    assert not plan.actions[2].waits_indefinitely
    half = state(*(record(one) for one in (*new[:1], *tiles(values)[1:])))
    assert kinds(decide(project(*new), half, listed))[:3] == ["replace tile-b", "unchanged tile-a", "wait tile-c"]
    both = state(*(record(one) for one in (*new[:2], *tiles(values)[2:])))
    assert "replace" not in " ".join(kinds(decide(project(*new), both, listed)))


def test_replace_that_only_deletes_now_keeps_its_slot_until_the_session_disappears():
    first = spec("first")
    old = matrix("tile", "ab", parallelism=1, needs=("first",))
    changed = spec("first", args=("new",))
    stored = state(record(first, "done"), record(old[0], needed=(first,)))
    plan = decide(project(changed, *old, *tiles("z", 1)), stored, running("tile-a"))
    assert kinds(plan) == ["replace first", "replace tile-a", "wait tile-b", "wait tile-z"]
    assert plan.actions[1].create_later


def test_delete_of_a_replace_frees_its_slot_for_no_other_replace():
    first = matrix("first", "ab")
    old = matrix("tile", "ab", parallelism=1, needs=("first-${tile}",))
    stored = state(*(record(one, "done") for one in first), *(record(one, needed=first) for one in old))
    changed = (first[0].model_copy(update={"args": ("new",)}), first[1])
    new = (old[0], old[1].model_copy(update={"args": ("new",)}))
    plan = decide(project(*changed, *new), stored, running("tile-a", "tile-b"))
    assert kinds(plan) == ["replace first-a", "replace tile-a", "done first-b", "wait tile-b"]


def test_retry_takes_a_slot_like_any_create():
    new = tiles("abc", retries=3)
    ended = record(new[2], "failed", ended=NOW - 3000)
    stored = state(record(new[0]), record(new[1]), ended)
    assert lines(decide(project(*new), stored, running("tile-a", "tile-b")))[2] == f"wait tile-c ({FULL})"
    assert kinds(decide(project(*new), state(ended))) == ["create tile-a", "create tile-b", "wait tile-c"]
    stored = state(record(new[0]), ended)
    assert kinds(decide(project(new[2], *new[:2]), stored, running("tile-a"))) == [
        "retry tile-c",
        "unchanged tile-a",
        "wait tile-b",
    ]


def test_adopted_session_counts_from_now_on():
    plan = decide(project(*tiles("abc")), None, running("tile-c"), adopt="active")
    assert kinds(plan) == ["create tile-a", "wait tile-b", "adopt tile-c"]


def test_take_over_needs_a_free_slot():
    plan = decide(
        project(*tiles("abc")), state(record(A), record(B)), running("tile-a", "tile-b", "tile-c"), take_over=True
    )
    assert kinds(plan) == ["unchanged tile-a", "unchanged tile-b", "wait tile-c"]
    assert plan.actions[2].sessions_to_delete == ()


def test_replica_out_of_scope_gets_no_slot():
    wanted = project(*tiles())
    assert kinds(decide(wanted, targets=("tile-c", "tile-d"))) == ["create tile-c", "create tile-d"]
    assert kinds(decide(wanted, excludes=("tile-a",))) == ["create tile-b", "create tile-c", "wait tile-d"]
    stored = state(record(A))
    assert kinds(decide(wanted, stored, running("tile-a"), targets=("tile-c", "tile-d"))) == [
        "create tile-c",
        "wait tile-d",
    ]


def test_outdated_replica_out_of_scope_stays_and_keeps_its_slot():
    values = "abc"
    stored = state(*(record(one) for one in tiles(values)))
    listed = running(*(f"tile-{value}" for value in values))
    wanted = project(*tiles(values, image="x/y:2"))
    assert kinds(decide(wanted, stored, listed, targets=("tile-b", "tile-c"))) == ["replace tile-b", "wait tile-c"]


def test_action_that_failed_in_this_invocation_keeps_no_slot():
    for parallelism, third in ((2, "create"), (1, "wait")):
        wanted = project(*tiles(parallelism=parallelism))
        in_vain = frozenset({decide(wanted).actions[0].attempt_key})
        plan = decide(wanted, failed=in_vain)
        assert kinds(plan) == ["create tile-a", "create tile-b", f"{third} tile-c", "wait tile-d"]


def test_slot_of_a_running_notebook_is_not_waited_for():
    desks = matrix("desk", "ab", parallelism=1, kind="notebook", cmd=None, args=())
    up = state(record(desks[0]))
    plan = decide(project(*desks), up, seen(live("desk-a", kind="notebook")))
    assert [(action.kind, action.waits_indefinitely) for action in plan.actions] == [
        ("unchanged", False),
        ("wait", True),
    ]
    plan = decide(project(*desks), up, seen(live("desk-a", "Pending", kind="notebook")))
    assert not plan.actions[1].waits_indefinitely


def test_max_active_counts_headless_sessions_of_the_whole_project():
    wanted = project(spec("a"), desktop(), spec("b"), spec("c"), max_active=MaxActive(project=3))
    stored = state(record(spec("gone", file="manifests/other.yaml")), record(desktop("lab")))
    listed = seen(live("gone"), live("lab", kind="notebook"), live("theirs-1"), live("theirs-2"))
    plan = decide(wanted, stored, listed, facts={"present": frozenset({"manifests/other.yaml"})})
    assert created(plan) == ["a", "desk", "b"]
    wait = next(action for action in plan.actions if action.kind == "wait")
    assert (wait.name, reason_text(wait.reason), wait.waits_indefinitely) == (
        "c",
        "limit of the project reached (max_active 3)",
        False,
    )


def test_job_that_becomes_a_notebook_needs_no_slot_and_a_notebook_that_becomes_a_job_does():
    limit = {"max_active": MaxActive(project=1)}
    stored = state(record(spec("desk")))
    assert kinds(decide(project(desktop(), **limit), stored, running("desk"))) == ["replace desk"]
    stored = state(record(desktop()), record(spec("job")))
    listed = seen(live("desk", kind="notebook"), live("job"))
    assert kinds(decide(project(spec("desk"), spec("job"), **limit), stored, listed)) == ["wait desk", "unchanged job"]


JOB, DESK = spec("x"), desktop("x")
ACCOUNT = {"max_active": MaxActive(account=3)}


def test_account_counts_every_pending_or_running_headless_session():
    theirs = (
        live("a"),
        live("b", "Pending"),
        live("c", "Completed"),
        live("d", kind="carta"),
        live("e", "Terminating"),
    )
    plan = decide(project(spec("x"), spec("y"), **ACCOUNT), None, seen(*theirs))
    assert lines(plan) == [
        "create x (not in the state and not live)",
        "wait y (limit of the account reached (max_active 3))",
    ]
    plan = decide(project(spec("x"), **ACCOUNT), None, seen(*theirs, live("f"), live("g")))
    full = "limit of the account reached (max_active 3; 4 headless sessions are Pending or Running)"
    assert lines(plan) == [f"wait x ({full})"]
    assert not plan.actions[0].waits_indefinitely


@pytest.mark.parametrize(
    ("own", "entries", "sessions", "free"),
    [
        (JOB, [record(JOB)], (live("x"),), 2),
        (JOB, [record(JOB, "accepted", accepted=NOW - 1)], (), 2),
        (JOB, [intent(JOB, given_up=NOW - 1)], (), 2),
        (JOB, [intent(JOB, given_up=NOW - 1), record(JOB)], (live("x"),), 2),
        (JOB, [pending_delete("x", JOB)], (live("x"),), 2),
        (JOB, [pending_delete("x", JOB)], (), 3),
        (JOB, [pending_delete("x", JOB), record(JOB)], (), 3),
        (DESK, [record(DESK)], (live("x", kind="notebook"),), 3),
        (DESK, [record(DESK, "accepted", accepted=NOW - 1)], (), 3),
    ],
    ids=[
        "listed",
        "accepted",
        "an open create",
        "an open create of one that is listed",
        "being deleted",
        "deleted",
        "deleted, its pod may run",
        "a notebook",
        "an accepted notebook",
    ],
)
def test_managed_sessions_count_for_the_account_once(own, entries, sessions, free):
    others = [spec(name) for name in ("a", "b", "c", "d")]
    plan = decide(project(own, *others, **ACCOUNT), state(*entries), seen(*sessions))
    assert len([name for name in created(plan) if name != "x"]) == free


def test_replace_takes_its_own_slot_of_the_account_and_no_other():
    new = spec("x", image="x/y:2")
    for strangers, expected in (((), "replace x"), (("a", "b"), "replace x"), (("a", "b", "c"), "wait x")):
        listed = running("x", *strangers)
        assert kinds(decide(project(new, **ACCOUNT), state(record(spec("x"))), listed)) == [expected]


def test_every_limit_must_have_a_free_slot():
    wanted = project(*tiles("abc", 3), max_active=MaxActive(project=2, account=1))
    assert created(decide(wanted)) == ["tile-a"]
    wanted = project(*tiles("abc", 1), max_active=MaxActive(project=2, account=2))
    assert created(decide(wanted)) == ["tile-a"]


def test_limit_of_the_server_is_given_in_the_order_of_the_manifest_and_in_scope():
    wanted = project(desktop("b", needs=("first",)), desktop("a"), spec("first"))
    stored = state(record(spec("first"), "done"))
    plan = decide(wanted, stored, facts=offer(max_interactive=1))
    assert kinds(plan) == ["create b", "wait a", "done first"]
    assert kinds(decide(wanted, stored, facts=offer(max_interactive=1), targets=("a",))) == ["create a"]
