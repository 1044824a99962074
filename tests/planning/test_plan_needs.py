"""Dependents wait, are blocked, and run again after a change of a dependency."""

from __future__ import annotations

import pytest
from scene import decide, intent, kinds, lines, live, project, record, replica, seen, spec, state

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.session import Phase

FIRST = spec("first", replicas=2)
SECOND = spec("second", needs=("FIRST",))
BOTH = project(SECOND, FIRST)


def firsts(*phases):
    return [record(FIRST, phase, number) for number, phase in enumerate(phases, 1)]


@pytest.mark.parametrize(
    ("phases", "expected"),
    [
        ((), "wait second (needs first (2 of 2 not done))"),
        (("done", "running"), "wait second (needs first (1 of 2 not done))"),
        (("done", "due"), "wait second (needs first (1 of 2 not done))"),
        (("done", "held"), "blocked second (needs first: first-2 is on hold)"),
        (("done", "failed"), "blocked second (needs first: first-2 is failed)"),
        (("unknown", "running"), "blocked second (needs first: first-1 is unknown)"),
        (("done", "done"), "create second (not in the state and not live)"),
    ],
)
def test_dependent_is_created_when_all_dependencies_are_done(phases, expected):
    plan = decide(BOTH, state(*firsts(*phases)))
    assert expected in lines(plan)
    second = next(action for action in plan.actions if action.session == "second")
    assert second.waits_indefinitely == (second.kind != "create")


def test_conflict_and_block_of_a_dependency_block_its_dependent():
    third = spec("third", needs=("second",))
    plan = decide(project(FIRST, SECOND, third), None, seen(live("first-2")))
    assert lines(plan)[2:] == [
        "blocked second (needs first: first-2 is in conflict)",
        "blocked third (needs second: second is blocked)",
    ]


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        (None, "blocked second (needs first (1 of 1 not done), which --target or --exclude leaves out)"),
        ("running", "blocked second (needs first (1 of 1 not done), which --target or --exclude leaves out)"),
        ("held", "blocked second (needs first: first is on hold)"),
        ("done", "create second (not in the state and not live)"),
    ],
)
@pytest.mark.parametrize("scope", [{"targets": ("second",)}, {"excludes": ("first",)}])
def test_dependency_out_of_scope_is_not_waited_for(scope, phase, expected):
    first, second = spec("first"), spec("second", needs=("first",))
    stored = state(*([record(first, phase)] if phase else []))
    listed = seen(live("first")) if phase == "running" else seen()
    assert lines(decide(project(first, second), stored, listed, **scope)) == [expected]


def test_share_waits_for_replicas_in_scope_and_is_blocked_by_others_and_holds():
    end = spec("end", needs=("first",), require={"first": 0})
    for phases, scope, expected in (
        (("done", "running"), {}, "wait end (needs first (1 of 2 not ended))"),
        (("done", "held"), {}, "blocked end (needs first: first-2 is on hold)"),
        (("done", "running"), {"targets": ("end",)}, "blocked end"),
        (("done", "failed"), {"targets": ("end",)}, "create end"),
    ):
        plan = decide(project(FIRST, end), state(*firsts(*phases)), seen(live("first-2")), **scope)
        assert lines(plan)[-1].startswith(expected)


def test_running_dependent_of_a_dependency_out_of_scope_is_not_deleted():
    changed = spec("first", args=("new.py",))
    second = spec("second", needs=("first",))
    stored = state(record(spec("first"), "done"), record(second, needed=(spec("first"),)))
    plan = decide(project(changed, second), stored, seen(live("second")), targets=("second",))
    assert kinds(plan) == ["blocked second"]
    assert not plan.has_changes


def test_completed_session_of_an_unconfirmed_create_counts_as_done():
    first = spec("first")
    observation = seen(live("first", "Completed", id="new"))
    plan = decide(project(first, spec("second", needs=("first",))), state(intent(first)), observation)
    assert kinds(plan) == ["adopt first", "create second"]


def test_adopted_dependency_must_be_done_first():
    first = spec("first")
    plan = decide(project(first, spec("second", needs=("first",))), None, seen(live("first")), adopt="active")
    assert kinds(plan) == ["adopt first", "wait second"]


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        (
            "running",
            "replace second -second held back (a dependency changed (needs: FIRST); needs first (2 of 2 not done))",
        ),
        ("done", "wait second held back (needs first (2 of 2 not done))"),
        ("failed", "wait second held back (needs first (2 of 2 not done))"),
    ],
)
def test_dependent_runs_again_when_a_dependency_changes(phase, expected):
    changed = spec("first", replicas=2, args=("new.py",))
    stored = state(*firsts("done", "done"), record(SECOND, phase, needed=(FIRST,)))
    assert expected in lines(decide(project(changed, SECOND), stored))


def test_dependent_runs_again_when_a_dependency_was_marked_rerun():
    entries = firsts("done", "done")
    entries[1] = replace(entries[1], phase=Phase.DUE, run_number=1)
    stored = state(*entries, record(SECOND, needed=(FIRST,)))
    assert kinds(decide(project(FIRST, SECOND), stored)) == ["replace second", "done first-1", "create first-2"]


def test_dependent_does_not_run_again_for_more_ram_or_another_name_or_order():
    third, needs = spec("third"), ("first", "third")
    two = spec("second", needs=needs)
    entries = [*firsts("done", "done"), record(third, "done"), record(two, "done", needed=(FIRST, third))]
    bigger = spec("first", replicas=2, ram=64)
    plan = decide(project(bigger, third, spec("second", needs=("Third", "first"))), state(*entries))
    assert kinds(plan) == ["done first-1", "done first-2", "done third", "done second"]


def test_blocked_outdated_session_that_runs_continues():
    changed = spec("first", args=("new.py",))
    stored = state(record(spec("first"), "done"), record(spec("second", needs=("first",)), needed=(spec("first"),)))
    plan = decide(
        project(changed, spec("second", needs=("first",))), stored, seen(live("second"), live("first", id="x"))
    )
    assert kinds(plan) == ["conflict first", "blocked second"]
    assert not any(action.sessions_to_delete for action in plan.actions)


def test_digest_covers_the_work_of_a_dependency_and_not_its_name():
    bare = replica(spec("second"))
    renamed = spec("other", replicas=2)
    assert replica(SECOND, needed=(FIRST,)).work != bare.work
    assert replica(SECOND, needed=(FIRST,)).work == replica(spec("second", needs=("other",)), needed=(renamed,)).work


def test_protected_change_of_a_dependency_blocks_its_dependent():
    first, second = spec("first", args=("new",), protect=True), spec("second", needs=("first",))
    plan = decide(project(first, second), state(record(spec("first", args=("old",)), "done")), seen())
    assert kinds(plan) == ["protected first", "blocked second"]
