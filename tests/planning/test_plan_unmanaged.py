"""Sessions that the state does not own: never touched, except for a requested adoption or take-over."""

from __future__ import annotations

import pytest
from scene import FILE, decide, desktop, intent, kinds, lines, live, project, record, seen, spec, state

from skaha_apply.planning.options import Adopt

HINT = "--adopt records it, --take-over replaces it"


@pytest.mark.parametrize("status", ["Pending", "Running", "Completed", "Failed"])
def test_same_name_is_a_conflict_of_that_replica_alone(status):
    plan = decide(project(spec(replicas=2)), None, seen(live("reduce-2", status, id="theirs")))
    hint = HINT.replace("--adopt", "--adopt=ended") if status == "Completed" else HINT
    assert lines(plan) == [
        "create reduce-1 (not in the state and not live)",
        f"conflict reduce-2 (an unmanaged session has this name ({status}); {hint})",
    ]
    assert plan.actions[1].id == "theirs"


def test_several_of_the_same_name_are_counted():
    plan = decide(project(spec()), None, seen(live("reduce", id="b"), live("reduce", "Pending", id="a")))
    hint = "--adopt records one, --take-over replaces them"
    assert lines(plan) == [f"conflict reduce (2 unmanaged sessions have this name (Pending); {hint})"]


def test_similar_names_are_not_a_conflict():
    others = [live(name) for name in ("reduce-1", "reduce-10", "reduc", "xreduce", "")]
    assert kinds(decide(project(spec()), None, seen(*others))) == ["create reduce"]


def test_name_in_another_case_is_the_same():
    assert kinds(decide(project(spec("Reduce")), None, seen(live("reduce")))) == ["conflict reduce"]


def test_matching_session_is_adopted_when_asked():
    plan = decide(project(spec()), None, seen(live("reduce", id="theirs")), adopt=Adopt.ACTIVE)
    assert lines(plan) == [
        "adopt reduce (image, kind and resources match; cmd, args, env and REPLICA_COUNT could not be compared)",
    ]
    assert plan.actions[0].adopted.id == plan.actions[0].id == "theirs"


@pytest.mark.parametrize(
    "other",
    [{"image": "x/y:1"}, {"kind": "notebook"}, {"cores": 4}, {"ram": 16.0}],
    ids=lambda fields: next(iter(fields)),
)
def test_session_that_does_not_match_is_not_adopted(other):
    plan = decide(project(spec()), None, seen(live("reduce", **other)), adopt=Adopt.ENDED)
    assert kinds(plan) == ["conflict reduce"]


@pytest.mark.parametrize("ram", [8.0, 16.0, 32.0])
def test_session_with_the_ram_of_a_later_attempt_is_adopted(ram):
    wanted = spec(retries=3, retry_ram=(16, 32))
    assert kinds(decide(project(wanted), None, seen(live("reduce", ram=ram)), adopt=Adopt.ACTIVE)) == ["adopt reduce"]
    other = seen(live("reduce", ram=64.0))
    assert kinds(decide(project(wanted), None, other, adopt=Adopt.ACTIVE)) == ["conflict reduce"]


@pytest.mark.parametrize("ram", [8.0, 8.59, 7.45, None])
def test_ram_matches_in_gib_and_gb(ram):
    plan = decide(project(spec()), None, seen(live("reduce", ram=ram)), adopt=Adopt.ACTIVE)
    assert kinds(plan) == ["adopt reduce"]


@pytest.mark.parametrize(
    "wanted",
    [spec(ram=None, cores=None), spec(ram=None), spec(kind="desktop"), spec(kind="firefly")],
    ids=["flexible", "cores alone", "desktop", "firefly"],
)
def test_resources_that_the_server_ignores_or_does_not_list_match(wanted):
    shown = live("reduce", kind=wanted.kind.value, cores=None, ram=None)
    assert kinds(decide(project(wanted), None, seen(shown), adopt=Adopt.ACTIVE)) == ["adopt reduce"]


@pytest.mark.parametrize(
    ("adopt", "status", "expected"),
    [
        (Adopt.ACTIVE, "Completed", "conflict reduce"),
        (Adopt.ENDED, "Completed", "adopt reduce"),
        (Adopt.ENDED, "Failed", "conflict reduce"),
        (Adopt.ENDED, "Running", "adopt reduce"),
    ],
)
def test_ended_session_is_adopted_only_when_that_is_asked_for(adopt, status, expected):
    assert kinds(decide(project(spec()), None, seen(live("reduce", status)), adopt=adopt)) == [expected]


def test_one_of_two_active_ones_is_not_chosen_and_an_active_one_is_preferred_to_an_ended_one():
    two = seen(live("reduce", id="a"), live("reduce", id="b"))
    assert kinds(decide(project(spec()), None, two, adopt=Adopt.ACTIVE)) == ["conflict reduce"]
    mixed = seen(live("reduce", "Completed", id="a"), live("reduce", id="b"))
    assert decide(project(spec()), None, mixed, adopt=Adopt.ENDED).actions[0].id == "b"


def test_take_over_deletes_every_active_one_of_that_name():
    sessions = seen(live("reduce", id="a"), live("reduce", "Completed", id="b"), live("reduce", "Pending", id="c"))
    plan = decide(project(spec()), None, sessions, take_over=True, adopt=Adopt.ACTIVE)
    assert lines(plan) == ["replace reduce -a -c (takes over from an unmanaged session)"]
    assert {to_delete.why for to_delete in plan.actions[0].sessions_to_delete} == {"take-over"}


def test_take_over_of_an_ended_one_only_creates():
    plan = decide(project(spec()), None, seen(live("reduce", "Failed")), take_over=True)
    assert lines(plan) == ["replace reduce (takes over from an unmanaged session)"]


@pytest.mark.parametrize("phase", ["due", "gone", "done", "failed"])
def test_active_unmanaged_session_blocks_a_create(phase):
    stored = state(record(spec(), phase, id="ours"))
    changed = spec(args=("new.py",))
    plan = decide(project(changed), stored, seen(live("reduce", "Pending", id="theirs")))
    hint = "delete it, or run `state forget` for this replica, then apply with --adopt or --take-over"
    reason = f"unmanaged session theirs has this name and is active (Pending); {hint}"
    assert lines(plan) == [f"conflict reduce ({reason})"]


def test_unmanaged_session_in_addition_to_a_managed_one_blocks_nothing():
    stored = state(record(spec(), id="ours"))
    sessions = seen(live("reduce", id="ours"), live("reduce", id="theirs"))
    assert kinds(decide(project(spec()), stored, sessions)) == ["unchanged reduce"]
    changed = decide(project(spec(args=("new.py",))), stored, sessions)
    assert (kinds(changed), changed.actions[0].sessions_to_delete) == (["conflict reduce"], ())


def test_ended_unmanaged_session_does_not_block_a_create():
    stored = state(record(spec(), "due", id="ours"))
    assert kinds(decide(project(spec()), stored, seen(live("reduce", "Failed", id="theirs")))) == ["create reduce"]


def test_session_that_appears_between_intent_and_listing_is_not_touched_unless_it_can_be_managed():
    stored = state(intent(desktop("reduce")))
    plan = decide(project(spec("other"), files=(FILE,)), stored, seen(live("reduce", id="theirs")))
    assert kinds(plan) == ["create other"]
