"""The safety rules: which plans are printed and not carried out, and what a plan would throw away."""

from __future__ import annotations

import pytest
from scene import (
    HOUR,
    NOW,
    decide,
    desktop,
    kinds,
    live,
    matrix,
    offer,
    pending_delete,
    project,
    record,
    seen,
    spec,
    state,
)

from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.model.session import Phase
from skaha_apply.render.reasons import reason_text

TWELVE = [spec(f"s{number}") for number in range(12)]


def owned(phase="running", **fields):
    return state(*(record(one, phase, **fields) for one in TWELVE))


def refusal(plan):
    return plan.refused and reason_text(plan.refused)


def all_live(specs=TWELVE):
    return seen(*(live(one.name) for one in specs))


@pytest.mark.parametrize(("removed", "refused"), [(3, False), (4, True)])
def test_delete_of_more_than_a_third_because_of_removed_lines_is_refused(removed, refused):
    plan = decide(project(*TWELVE[removed:]), owned(), all_live())
    assert kinds(plan)[:removed] == [f"delete {one}" for one in sorted(f"s{n}" for n in range(removed))]
    text = (
        "of 12 owned replicas, the plan deletes 4 because their manifest lines were removed: more than 30%; "
        "to allow this, add --force"
    )
    assert refusal(plan) == (text if refused else None)
    assert decide(project(*TWELVE[removed:]), owned(), all_live(), force=True).refused is None


def test_many_disappeared_sessions_are_refused_too_and_together_with_deletes():
    names = [one.name for one in TWELVE[:2]]
    plan = decide(project(*TWELVE[:-2]), owned(), seen(*(live(one.name) for one in TWELVE[2:]), not_found=names))
    assert refusal(plan) == (
        "of 12 owned replicas, the plan deletes 2 because their manifest lines were removed and creates 2 again "
        "because their sessions disappeared: more than 30%; to allow this, add --force"
    )


def test_few_owned_replicas_are_not_a_mass():
    nine = TWELVE[:9]
    stored = state(*(record(one) for one in nine))
    assert decide(project(*nine[:1]), stored, all_live(nine)).refused is None


def test_record_without_a_session_does_not_count_as_owned():
    retired = [record(spec(f"r{number}"), "done") for number in range(100)]
    stored = state(*(record(one) for one in TWELVE), *retired)
    assert dict(decide(project(*TWELVE[4:]), stored, all_live()).refused.arguments)["owned"] == 12


def test_changes_and_creates_are_not_a_mass():
    changed = [spec(one.name, args=("new.py",)) for one in TWELVE]
    assert decide(project(*changed, spec("new")), owned(), all_live(), allow_loss=1000).refused is None


def test_manifest_without_sessions_is_refused():
    plan = decide(project(), state(record(spec())), seen(live("reduce")))
    assert plan.refused == Reason(ReasonCode.MANIFEST_EMPTY, deletes=1)
    assert decide(project(), state(record(spec(), "done"))).refused is None


def test_destroy_is_not_a_mass_delete_but_can_lose_too_much():
    assert decide(project(*TWELVE), owned(), all_live(), destroy=True).refused is None
    stored = owned(started=NOW - 10 * HOUR)
    assert refusal(decide(project(*TWELVE), stored, all_live(), destroy=True)) == (
        "the plan loses 240 core-hours, more than the allowed 100; to allow this, add --allow-loss 241"
    )


@pytest.mark.parametrize(
    ("given", "hours", "bound"),
    [
        ({"started": NOW - 3 * HOUR}, 6, False),
        ({"started": None, "accepted": NOW - 2 * HOUR}, 4, True),
        ({"started": NOW + HOUR}, 0, False),
        ({"started": None, "accepted": None}, 0, False),
    ],
    ids=["since its start", "at most since it was accepted", "clock set back", "never begun"],
)
def test_what_is_lost_with_an_active_replica(given, hours, bound):
    stored = state(record(spec(), **given))
    plan = decide(project(spec(args=("new.py",))), stored, seen(live("reduce")))
    assert (plan.core_hours_lost, plan.lost_is_bound) == (hours, bound)


def test_what_is_lost_with_a_finished_replica_is_a_bound():
    stored = state(record(spec(), "done", started=NOW - 9 * HOUR, ended=NOW - 6 * HOUR))
    plan = decide(project(spec(args=("new.py",))), stored)
    assert (plan.core_hours_lost, plan.lost_is_bound, plan.recomputed) == (6, True, 1)


@pytest.mark.parametrize("phase", ["failed", "unknown", "due", "gone"])
def test_nothing_is_lost_with_what_has_no_result(phase):
    stored = state(record(spec(), phase, started=NOW - 9 * HOUR, ended=NOW))
    plan = decide(project(spec(args=("new.py",))), stored)
    assert (plan.core_hours_lost, plan.recomputed) == (0, 0)


def test_flexible_sessions_count_the_cores_that_the_server_requests():
    flexible = spec(cores=None, ram=None)
    stored = state(record(flexible, started=NOW - HOUR))
    plan = decide(project(), stored, seen(live("reduce")), destroy=True, facts=offer(default_cores=0.5))
    assert plan.core_hours_lost == 0.5


def test_ended_notebook_is_not_lost_work():
    stored = state(record(desktop(), "done", started=NOW - 50 * HOUR, ended=NOW))
    plan = decide(project(desktop(image="x/y:2")), stored)
    assert (plan.core_hours_lost, plan.recomputed) == (0, 0)


@pytest.mark.parametrize(("allowed", "refused"), [(100, True), (119.9, True), (120, False)])
def test_loss_of_more_than_is_allowed_is_refused(allowed, refused):
    stored = state(record(spec(cores=12), started=None, accepted=NOW - 10 * HOUR))
    wanted = project(spec(cores=12, args=("new.py",)))
    plan = decide(wanted, stored, seen(live("reduce")), allow_loss=allowed)
    text = (
        f"the plan loses at most 120 core-hours, more than the allowed {allowed:g}; to allow this, add --allow-loss 121"
    )
    assert refusal(plan) == (text if refused else None)
    assert decide(wanted, stored, seen(live("reduce")), force=True).refused is None


def test_delete_of_a_duplicate_session_is_not_a_loss():
    stored = state(record(spec(), past=("old",), started=NOW - 1000 * HOUR))
    plan = decide(project(spec()), stored, seen(live("reduce"), live("reduce", id="old")))
    assert (kinds(plan)[0], plan.core_hours_lost) == ("delete reduce", 0)


def test_replicas_that_would_be_computed_again_are_counted_also_while_they_wait():
    first, second = spec("first"), spec("second", needs=("first",))
    entries = [record(first, "done"), record(second, "done", needed=(first,))]
    plan = decide(project(spec("first", args=("new.py",)), second), state(*entries))
    assert (kinds(plan), plan.recomputed) == (["replace first", "wait second"], 2)


def test_deletion_that_is_under_way_is_not_refused_again():
    stored = state(*(record(one) for one in TWELVE), *(pending_delete(one.name, one) for one in TWELVE[:6]))
    assert decide(project(*TWELVE[6:]), stored, all_live()).refused is None
    assert Phase.DUE not in {one.phase for one in stored.replicas}


def test_timed_out_session_is_not_a_loss():
    slow = spec(timeout=60, retries=1)
    stored = state(record(slow, started=NOW - 500 * HOUR))
    plan = decide(project(slow), stored, seen(live("reduce")))
    assert (kinds(plan), plan.core_hours_lost, plan.refused) == (["delete reduce"], 0, None)


def test_sessions_that_continue_count_neither_as_loss_nor_as_mass_delete():
    kept = [spec(f"s{number}", when_removed="finish") for number in range(12)]
    stored = state(*(record(one, started=NOW - 500 * HOUR) for one in kept))
    plan = decide(project(spec("new")), stored, all_live(kept))
    assert (plan.core_hours_lost, plan.refused, plan.has_changes) == (0, None, True)


LONG = {"started": NOW - 500 * HOUR, "ended": NOW - 48 * HOUR}


@pytest.mark.parametrize("rerun", ["always", 24 * HOUR])
def test_reruns_in_the_manifest_and_their_dependents_are_not_a_loss(rerun):
    first, second = spec("first", rerun=rerun), spec("second", needs=("first",))
    third = spec("third", needs=("second",))
    entries = [
        record(first, "done", **LONG),
        record(second, "done", needed=(first,), **LONG),
        record(third, "done", needed=(first, second), **LONG),
    ]
    plan = decide(project(first, second, third), state(*entries))
    assert (kinds(plan)[0], plan.core_hours_lost, plan.refused) == ("create first", 0, None)
    # In the next invocation the first one is done again, and the others are not.
    entries[0] = record(first, "done", run_number=1, started=NOW - 60, ended=NOW)
    plan = decide(project(first, second, third), state(*entries), reruns={("first", 1): 1})
    assert (kinds(plan)[0], plan.core_hours_lost) == ("replace second", 0)


@pytest.mark.parametrize("changed", ["first", "second", "zero"])
def test_what_follows_a_rerun_is_a_loss_where_anything_was_changed(changed):
    zero, first = spec("zero"), spec("first", rerun="always", needs=("zero",))
    second = spec("second", needs=("first",))
    stored = state(
        record(zero, "done", **LONG),
        record(first, "done", needed=(zero,), **LONG),
        record(second, "done", needed=(zero, first), **LONG),
    )
    specs = [one.model_copy(update={"args": ("new",)}) if one.name == changed else one for one in (zero, first, second)]
    plan = decide(project(*specs), stored)
    lost = {action.name: action.lost for action in plan.actions}
    assert lost["second"] > 100
    assert plan.refused is not None


TILES = matrix("tile", "abc")
EMPTY = Reason(ReasonCode.LIST_EMPTY, entry="tile-${tile}", known=3)


@pytest.mark.parametrize("phase", ["done", "running", "due"])
def test_list_that_is_empty_now_is_refused_whatever_is_known_of_it(phase):
    stored = state(*(record(one, phase) for one in TILES), record(spec("other"), "done"))
    listed = seen(*(live(one.name) for one in TILES)) if phase == "running" else None
    emptied = project(spec("other"), spec("end", needs=("tile-${tile}",)), empty=("Tile-${tile}",))
    assert decide(emptied, stored, listed).refused == EMPTY.with_texts(str.capitalize)
    assert decide(emptied, stored, listed, force=True).refused is None
    assert decide(emptied, stored, listed, destroy=True).refused is None
    assert decide(emptied, stored, listed, targets=("other",)).refused is None
    assert decide(project(*TILES, spec("other")), stored, listed).refused is None
    assert decide(project(empty=("tile-${tile}",)), stored, listed).refused == EMPTY


def test_list_of_which_nothing_is_known_may_be_empty():
    stored = state(record(spec("tile-x"), "done"))
    assert decide(project(spec("tile-x"), empty=("tile-${tile}",)), stored).refused is None


def test_list_that_is_empty_but_for_its_include_is_refused_until_nothing_else_is_known():
    added, *lost = matrix("tile", "abcd")
    stored = state(record(added, "done"), *(record(one, "done") for one in lost))
    assert decide(project(added, empty_lists=("tile-${tile}",)), stored).refused == EMPTY
    assert decide(project(added, empty_lists=("tile-${tile}",)), stored, force=True).refused is None
    assert decide(project(added, empty_lists=("tile-${tile}",)), stored, targets=("tile-a",)).refused is None
    assert decide(project(added, empty_lists=("tile-${tile}",)), state(record(added, "done"))).refused is None


def test_large_share_that_left_the_manifest_is_named_in_the_question():
    tiles = matrix("tile", "abcdefghijkl")
    end = spec("end", needs=("tile-${tile}",))
    stored = state(*(record(one, "done") for one in tiles), record(end, "done", needed=tiles))
    cut_short = decide(project(tiles[0], end), stored)
    assert (cut_short.refused, cut_short.summary["retired"]) == (None, 11)
    assert cut_short.question == Reason(ReasonCode.MANY_RETIRED, retired=11, known=13)
    assert decide(project(*tiles[:-1], end), stored).question is None
    assert decide(project(), stored, destroy=True).question is None


def test_restored_list_runs_nothing_again():
    end = spec("end", needs=("tile-${tile}",))
    stored = state(*(record(one, "done") for one in TILES), record(end, "done", needed=TILES))
    assert not decide(project(end, empty=("tile-${tile}",)), stored).has_changes
    assert not decide(project(*TILES, end), stored).has_changes


def cut(before, after, **fields):
    """The notes of a plan that changes the replicas of a session whose first two are done and whose third runs."""
    old = spec(replicas=before)
    phases = ("done", "done", "running")[:before]
    given = {"started": NOW - 3 * HOUR, "ended": None}
    ended = {"done": {"ended": NOW - HOUR}}
    entries = [record(old, phase, number, **given | ended.get(phase, {})) for number, phase in enumerate(phases, 1)]
    plan = decide(project(spec(replicas=after, **fields)), state(*entries), seen(live("reduce-3")))
    return tuple(map(reason_text, plan.notes))


def test_change_of_replicas_states_its_cost_and_a_free_alternative():
    cost = "2 finished and 1 running shares would be computed again (at most 14.0 core-hours)"
    free = "to run more sessions at the same time, change parallelism instead, which reruns nothing"
    changed = "every share of the work changes"
    assert cut(3, 4) == (f"reduce: with 4 replicas instead of 3 {changed}: {cost}; {free}",)
    assert cut(2, 4)[0].startswith(f"reduce: with 4 replicas instead of 2 {changed}: 2 finished shares would")
    assert cut(3, 4, rerun="never") == ()
    assert cut(3, 4, protect=True) == ()


@pytest.mark.parametrize(
    "free", [{"parallelism": 7}, {"retries": 5}, {"pilot": 1}, {"stop_after": 3}, {"retry_wait": 60}, {"timeout": 9e5}]
)
def test_change_outside_the_digests_has_no_reason(free):
    assert cut(3, 3, **free) == ()
    stored = state(*(record(spec(replicas=2), "done", number) for number in (1, 2)))
    assert not decide(project(spec(replicas=2, **free)), stored).has_changes


def test_new_shares_of_a_matrix_are_reported_once():
    old, new = matrix("tile", "abc", replicas=2), matrix("tile", "abc", replicas=3, image="x/y:2")
    stored = state(*(record(one, "done", number, started=NOW, ended=NOW) for one in old for number in (1, 2)))
    (note,) = decide(project(*new), stored).notes
    assert (note.code, dict(note.arguments)["entry"]) == (ReasonCode.REPLICAS_CHANGED, "tile-${tile}")
    assert "with 3 replicas instead of 2 every share of the work changes: 6 finished shares" in reason_text(note)
    fresh = decide(project(*new), state(*(record(one, "failed", number) for one in old for number in (1, 2))))
    assert fresh.notes == ()
