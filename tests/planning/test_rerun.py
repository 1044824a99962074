"""`rerun`: when succeeded work runs again, which dependents run again, and what never does."""

from __future__ import annotations

import pytest
from scene import HOUR, NOW, decide, desktop, intent, kinds, lines, live, observe, project, record, seen, spec, state

from skaha_apply.planning.decisions import run_numbers
from skaha_apply.planning.replicas import expand, run_tag
from skaha_apply.planning.working_state import WorkingState

DAY = 24 * HOUR


def done(wanted, ended=NOW - HOUR, **fields):
    return record(wanted, "done", ended=ended, accepted=ended - HOUR, **fields)


def test_on_change_is_done_however_long_ago():
    assert kinds(decide(project(spec()), state(done(spec(), NOW - 1000 * DAY)))) == ["done reduce"]


ENDS = [NOW - 2 * DAY, NOW - HOUR, NOW, NOW + 9000, NOW + 2 * DAY]  # a clock that was set back makes an end later


@pytest.mark.parametrize("ended", ENDS)
@pytest.mark.parametrize("reruns", [None, {("reduce", 1): 1}])
def test_always_runs_again_what_was_done_at_the_first_listing(reruns, ended):
    wanted = spec(rerun="always")
    plan = decide(project(wanted), state(done(wanted, ended, attempt=3)), reruns=reruns)
    assert lines(plan) == ["create reduce (completed; runs again (rerun: always))"]
    (action,) = plan.actions
    assert (action.attempt, action.desired.run_number, action.sessions_to_delete) == (1, 1, ())
    assert not action.counts_as_mass


@pytest.mark.parametrize("ended", ENDS)
@pytest.mark.parametrize("rerun", ["always", HOUR])
@pytest.mark.parametrize(("reruns", "run_number"), [({}, 0), ({("reduce", 1): 1}, 1)])
def test_what_ends_in_an_invocation_waits_for_the_next_one(reruns, run_number, rerun, ended):
    wanted = spec(rerun=rerun)
    plan = decide(project(wanted), state(done(wanted, ended, run_number=run_number)), reruns=reruns)
    assert lines(plan) == ["done reduce (completed)"]


@pytest.mark.parametrize(
    ("ended", "expected"),
    [
        (NOW - DAY - 1, "create reduce (completed more than 1d ago; runs again (rerun: 1d))"),
        (NOW - DAY, "done reduce (completed)"),
    ],
)
def test_age_is_measured_at_the_first_listing(ended, expected):
    wanted = spec(rerun=DAY)
    assert lines(decide(project(wanted), state(done(wanted, ended)))) == [expected]


@pytest.mark.parametrize("phase", ["running", "pending", "accepted", "held", "due", "failed"])
def test_only_what_succeeded_runs_again(phase):
    wanted = spec(rerun="always")
    plan = decide(project(wanted), state(record(wanted, phase)), seen(live("reduce")) if phase == "running" else None)
    assert plan.actions[0].desired.run_number == 0


def test_an_interactive_session_has_no_runs():
    desk = desktop(rerun="always")
    assert kinds(decide(project(desk), state(record(desk)), seen(live("desk", kind="notebook")))) == ["unchanged desk"]


def test_dependents_run_again_to_the_end_of_the_chain():
    first, second = spec("first", rerun="always"), spec("second", needs=("first",))
    third, other = spec("third", needs=("second",)), spec("other")
    chain = (first, second, third)
    records = [done(one, needed=chain[:number]) for number, one in enumerate(chain)]
    plan = decide(project(*chain, other), state(*records, done(other)))
    assert [(one.kind, one.name, one.create_later) for one in plan.actions] == [
        ("create", "first", False),
        ("wait", "second", True),
        ("wait", "third", True),
        ("done", "other", False),
    ]
    later = decide(project(*chain, other), state(*records, done(other)), reruns={})
    assert not later.has_changes


def test_active_dependent_is_deleted_in_the_same_pass():
    first, second = spec("first", rerun="always"), spec("second", needs=("first",))
    stored = state(done(first), record(second, needed=(first,)))
    plan = decide(project(first, second), stored, seen(live("second")))
    assert [(one.kind, one.name, one.create_later) for one in plan.actions] == [
        ("replace", "second", True),
        ("create", "first", False),
    ]


@pytest.mark.parametrize("options", [{"excludes": ("first",)}, {"targets": ("second",)}])
def test_out_of_scope_nothing_runs_again_and_nothing_follows(options):
    first, second = spec("first", rerun="always"), spec("second", needs=("first",))
    stored = state(done(first), record(second, needed=(first,)))
    assert not decide(project(first, second), stored, seen(live("second")), **options).has_changes


def test_a_create_that_is_open_keeps_its_run_number_whatever_becomes_of_it():
    always = spec(rerun="always")
    stored = state(done(always), intent(always, run_number=1))
    assert run_numbers.recorded(WorkingState.from_document(stored)) == {("reduce", 1): 1}
    (action,) = decide(project(always), stored, seen()).actions
    assert (action.kind, action.desired.run_number) == ("create", 1)
    found = observe(stored, seen(live("reduce", "Running", id="second")))
    assert [(one.id, one.run_number) for one in found.replicas] == [("second", 1)]
    (action,) = decide(project(always), found, seen(live("reduce", "Running", id="second"))).actions
    assert (action.kind, action.desired.run_number) == ("unchanged", 1)


def test_each_run_has_a_tag_of_its_own():
    wanted = project(spec(replicas=2))
    numbers = [{}, {("reduce", 1): 1, ("reduce", 2): 1}]
    tags = [{run_tag(one) for one in expand(wanted, number)} for number in numbers]
    assert all(len(one) == 1 for one in tags)
    assert tags[0] != tags[1]


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        ("done", "done reduce (completed; spec changed, but it never runs again (rerun: never))"),
        ("running", "unchanged reduce (running; spec changed, but it never runs again (rerun: never))"),
        ("failed", "replace reduce (spec changed)"),
        ("unknown", "replace reduce (spec changed)"),
        ("due", "create reduce (its session was deleted)"),
    ],
)
def test_never_leaves_alone_what_is_active_or_has_succeeded(phase, expected):
    plan = decide(project(spec(rerun="never", args=("new.py",))), state(record(spec(), phase)))
    assert lines(plan) == [expected]
    assert [change.path for change in plan.actions[0].changes] == ["args[0]"]


def test_protection_comes_before_never():
    never = spec(rerun="never", protect=True, args=("new.py",))
    assert kinds(decide(project(never), state(record(spec(), "done")))) == ["protected reduce"]


@pytest.mark.parametrize("phase", ["done", "running", "failed"])
def test_nothing_follows_a_change_of_what_never_runs_again(phase):
    before, after = spec("first"), spec("first", rerun="never", args=("new.py",))
    second, third = spec("second", needs=("first",)), spec("third", needs=("second",))
    records = (record(before, phase), done(second, needed=(before,)), done(third, needed=(before, second)))
    plan = decide(project(after, second, third), state(*records), seen(live("first")) if phase == "running" else None)
    found = {one.name: one.kind for one in plan.actions}
    assert found["first"] == {"done": "done", "running": "unchanged", "failed": "replace"}[phase]
    assert (found["second"], found["third"]) == (("wait", "wait") if phase == "failed" else ("done", "done"))
