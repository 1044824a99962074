"""The safety rules: which plans are printed and not carried out, and what a plan would throw away."""

from __future__ import annotations

import pytest
from scene import HOUR, NOW, decide, desktop, kinds, live, offer, project, record, seen, spec, state, tombstone

from skaha_apply.model.session import Phase

TWELVE = [spec(f"s{number}") for number in range(12)]


def owned(phase="running", **fields):
    return state(*(record(one, phase, **fields) for one in TWELVE))


def all_live(specs=TWELVE):
    return seen(*(live(one.name) for one in specs))


@pytest.mark.parametrize(("removed", "refused"), [(3, False), (4, True)])
def test_more_than_a_third_deleted_for_want_of_a_line_is_refused(removed, refused):
    plan = decide(project(*TWELVE[removed:]), owned(), all_live())
    assert kinds(plan)[:removed] == [f"delete {one}" for one in sorted(f"s{n}" for n in range(removed))]
    text = "of 12 owned replicas 4 would be deleted for want of a manifest line, more than 30%; --force carries it out"
    assert plan.refused == (text if refused else None)
    assert decide(project(*TWELVE[removed:]), owned(), all_live(), force=True).refused is None


def test_many_that_are_gone_are_refused_as_well_and_together_with_the_deleted():
    gone = [one.name for one in TWELVE[:2]]
    plan = decide(project(*TWELVE[:-2]), owned(), seen(*(live(one.name) for one in TWELVE[2:]), gone=gone))
    assert plan.refused == (
        "of 12 owned replicas 2 would be deleted for want of a manifest line and 2 would be created again because they "
        "are gone, more than 30%; --force carries it out"
    )


def test_few_owned_replicas_are_not_a_mass():
    nine = TWELVE[:9]
    memory = state(*(record(one) for one in nine))
    assert decide(project(*nine[:1]), memory, all_live(nine)).refused is None


def test_what_is_only_remembered_does_not_make_the_owned_more():
    retired = [record(spec(f"r{number}"), "done") for number in range(100)]
    memory = state(*(record(one) for one in TWELVE), *retired)
    assert decide(project(*TWELVE[4:]), memory, all_live()).refused.startswith("of 12 owned replicas 4 would")


def test_changes_and_creates_are_not_a_mass():
    changed = [spec(one.name, args=("new.py",)) for one in TWELVE]
    assert decide(project(*changed, spec("new")), owned(), all_live(), allow_loss=1000).refused is None


def test_manifest_without_sessions_is_refused():
    plan = decide(project(), state(record(spec())), seen(live("reduce")))
    assert plan.refused == (
        "the manifest has no sessions and 1 would be deleted; `destroy` says that on purpose, or --force"
    )
    assert decide(project(), state(record(spec(), "done"))).refused is None


def test_destroy_is_no_mass_but_may_lose_too_much():
    assert decide(project(*TWELVE), owned(), all_live(), destroy=True).refused is None
    memory = owned(started=NOW - 10 * HOUR)
    assert decide(project(*TWELVE), memory, all_live(), destroy=True).refused == (
        "240 core-hours would be lost, more than 100; --allow-loss 241 carries it out"
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
    memory = state(record(spec(), **given))
    plan = decide(project(spec(args=("new.py",))), memory, seen(live("reduce")))
    assert (plan.core_hours_lost, plan.lost_is_bound) == (hours, bound)


def test_what_is_lost_with_a_finished_replica_is_a_bound():
    memory = state(record(spec(), "done", started=NOW - 9 * HOUR, ended=NOW - 6 * HOUR))
    plan = decide(project(spec(args=("new.py",))), memory)
    assert (plan.core_hours_lost, plan.lost_is_bound, plan.recomputed) == (6, True, 1)


@pytest.mark.parametrize("phase", ["failed", "unknown", "due", "gone"])
def test_nothing_is_lost_with_what_has_no_result(phase):
    memory = state(record(spec(), phase, started=NOW - 9 * HOUR, ended=NOW))
    plan = decide(project(spec(args=("new.py",))), memory)
    assert (plan.core_hours_lost, plan.recomputed) == (0, 0)


def test_flexible_sessions_count_the_cores_that_the_server_requests():
    flexible = spec(cores=None, ram=None)
    memory = state(record(flexible, started=NOW - HOUR))
    plan = decide(project(), memory, seen(live("reduce")), destroy=True, facts=offer(default_cores=0.5))
    assert plan.core_hours_lost == 0.5


def test_ended_notebook_is_no_lost_work():
    memory = state(record(desktop(), "done", started=NOW - 50 * HOUR, ended=NOW))
    plan = decide(project(desktop(image="x/y:2")), memory)
    assert (plan.core_hours_lost, plan.recomputed) == (0, 0)


@pytest.mark.parametrize(("allowed", "refused"), [(100, True), (119.9, True), (120, False)])
def test_loss_of_more_than_is_allowed_is_refused(allowed, refused):
    memory = state(record(spec(cores=12), started=None, accepted=NOW - 10 * HOUR))
    wanted = project(spec(cores=12, args=("new.py",)))
    plan = decide(wanted, memory, seen(live("reduce")), allow_loss=allowed)
    text = f"at most 120 core-hours would be lost, more than {allowed:g}; --allow-loss 121 carries it out"
    assert plan.refused == (text if refused else None)
    assert decide(wanted, memory, seen(live("reduce")), force=True).refused is None


def test_double_is_no_loss():
    memory = state(record(spec(), past=("old",), started=NOW - 1000 * HOUR))
    plan = decide(project(spec()), memory, seen(live("reduce"), live("reduce", id="old")))
    assert (kinds(plan)[0], plan.core_hours_lost) == ("delete reduce", 0)


def test_replicas_that_would_be_computed_again_are_counted_also_while_they_wait():
    first, second = spec("first"), spec("second", needs=("first",))
    entries = [record(first, "done"), record(second, "done", needed=(first,))]
    plan = decide(project(spec("first", args=("new.py",)), second), state(*entries))
    assert (kinds(plan), plan.recomputed) == (["replace first", "wait second"], 2)


def test_deletion_that_is_under_way_is_not_refused_again():
    memory = state(*(record(one) for one in TWELVE), *(tombstone(one.name, one) for one in TWELVE[:6]))
    assert decide(project(*TWELVE[6:]), memory, all_live()).refused is None
    assert Phase.DUE not in {one.phase for one in memory.replicas}
