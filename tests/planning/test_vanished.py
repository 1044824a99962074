"""Sessions that listings no longer show, or do not show yet: their phases, when, and the actions that follow."""

from __future__ import annotations

import pytest
from scene import (
    ACTIVE,
    HOUR,
    NOW,
    SETTLE,
    decide,
    desktop,
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

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.session import Phase
from skaha_apply.model.state import Attempt
from skaha_apply.planning.tracking.unconfirmed_creates import record_of_create
from skaha_apply.planning.working_state import WorkingState
from skaha_apply.render.reasons import reason_text

DESK = desktop()


@pytest.mark.parametrize("phase", [*ACTIVE, Phase.ACCEPTED])
def test_listing_alone_proves_nothing(phase):
    stored = state(record(spec(), phase))
    assert observe(stored, seen()).replicas == stored.replicas
    assert kinds(decide(project(spec()), stored, seen())) == ["unchanged reduce"]


@pytest.mark.parametrize("phase", ACTIVE)
def test_session_that_a_look_up_shows_is_tracked(phase):
    after = observe(state(record(spec(), phase)), seen(alive=[live("reduce", "Completed")], whole=False))
    assert (only(after).phase, only(after).ended) == (Phase.DONE, NOW)


@pytest.mark.parametrize("phase", ACTIVE)
@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (NOW - 299, "create reduce (disappeared 299 s after it was last seen {}; treated as deleted)"),
        (
            NOW - 300,
            (
                "unknown reduce (session disappeared before its end was seen (ended, pruned or expired); "
                "on hold until `mark complete` or `mark rerun`)"
            ),
        ),
    ],
)
def test_session_that_disappears_soon_after_it_was_seen_was_deleted_and_later_is_unknown(phase, last, expected):
    stored = state(record(spec(), phase, seen=last))
    word = "active" if phase is Phase.OTHER else phase.value
    assert lines(decide(project(spec()), stored, seen(not_found=["reduce"]))) == [expected.format(word)]


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        (NOW - SETTLE + 1, "unchanged reduce"),
        (NOW - SETTLE, "create reduce"),
        (NOW - 299, "create reduce"),
        (NOW - 300, "unknown reduce"),
    ],
)
def test_accepted_but_never_listed(accepted, expected):
    stored = state(record(spec(), "accepted", accepted=accepted, attempt=2))
    (action,) = decide(project(spec()), stored, seen(not_found=["reduce"])).actions
    assert f"{action.kind} {action.name}" == expected
    assert expected != "create reduce" or action.attempt == 2


@pytest.mark.parametrize("phase", ["running", "accepted"])
def test_interactive_session_that_disappeared_is_never_unknown(phase):
    stored = state(record(DESK, phase))
    assert only(observe(stored, seen(not_found=["desk"]))).phase in (Phase.GONE, Phase.DUE)


@pytest.mark.parametrize("phase", ["done", "failed"])
def test_end_that_was_seen_stays_recorded(phase):
    stored = state(record(spec(), phase, ended=NOW - 1000 * HOUR))
    assert observe(stored, seen(not_found=["reduce"])).replicas == stored.replicas


def test_removed_replica_that_vanished_is_retired():
    stored = state(record(spec(), seen=NOW - HOUR))
    assert kinds(decide(project(spec("other")), stored, seen(not_found=["reduce"]))) == [
        "create other",
        "retired reduce",
    ]


@pytest.mark.parametrize("phase", ["gone", "unknown"])
@pytest.mark.parametrize(("shown", "expected"), [("Running", "unchanged reduce"), ("Completed", "done reduce")])
def test_session_that_reappears_is_managed_as_before(phase, shown, expected):
    stored = state(record(spec(), phase))
    assert kinds(decide(project(spec()), stored, seen(live("reduce", shown)))) == [expected]


@pytest.mark.parametrize(("shown", "expected"), [("Pending", "unchanged reduce"), ("Completed", "done reduce")])
def test_session_that_lagged_longer_than_the_settle_time_is_managed_as_before(shown, expected):
    stored = state(record(spec(), "accepted", accepted=NOW - 10))
    due = observe(stored, seen(not_found=["reduce"]))
    assert only(due).phase is Phase.DUE
    assert kinds(decide(project(spec()), due, seen(live("reduce", shown)))) == [expected]


def test_deleted_session_that_a_list_shows_once_more_is_deleted_once_more():
    stored = state(record(spec(), "due"))
    plan = decide(project(), stored, seen(live("reduce")), destroy=True)
    assert lines(plan) == ["delete reduce -reduce (ordered by destroy)"]


def test_replica_marked_to_run_again_stays_due_while_its_old_end_is_listed():
    stored = state(record(spec(), "due", run_number=1, note="marked to run again"))
    assert lines(decide(project(spec()), stored, seen(live("reduce", "Completed")))) == [
        "create reduce (marked to run again)",
    ]


@pytest.mark.parametrize("phase", ACTIVE)
def test_clock_that_was_set_back_does_not_make_an_old_observation_recent(phase):
    stored = state(record(spec(), phase, seen=NOW + 48 * HOUR))
    assert kinds(decide(project(spec()), stored, seen(not_found=["reduce"]))) == ["unknown reduce"]


def test_intent_and_unconfirmed_create_of_a_clock_that_was_set_back_are_old():
    stored = state(
        intent(spec(), at=NOW + 48 * HOUR, given_up=NOW - 30), unconfirmed(spec("other"), since=NOW + 48 * HOUR)
    )
    after = observe(stored, seen())
    assert only(after).phase is Phase.UNKNOWN
    assert after.doubts == ()


def test_pod_of_a_deletion_in_the_future_is_not_waited_for():
    stored = state(record(spec()), pending_delete("reduce", spec(), at=NOW + 48 * HOUR))
    assert kinds(decide(project(spec()), stored, seen())) == ["create reduce"]


def test_session_that_was_accepted_while_the_list_was_read_is_waited_for():
    stored = state(record(spec(), "accepted", accepted=NOW + 1))
    assert only(observe(stored, seen(not_found=["reduce"]))).phase is Phase.ACCEPTED


def test_earlier_session_that_reappears_and_runs_is_deleted_in_favor_of_the_later_one():
    stored = state(record(spec(), id="new", past=("old",)))
    plan = decide(project(spec()), stored, seen(live("reduce", id="new"), live("reduce", id="old")))
    assert lines(plan) == [
        "delete reduce -old (earlier session of this replica, which was recorded as disappeared)",
        "unchanged reduce (running)",
    ]


def test_nothing_is_created_while_an_earlier_session_runs():
    stored = state(record(spec(), "due", id="new", past=("old",)))
    plan = decide(project(spec()), stored, seen(live("reduce", id="old")))
    assert kinds(plan) == ["delete reduce", "wait reduce"]


@pytest.mark.parametrize("shown", ["Completed", "Failed", "Terminating"])
def test_ended_session_of_an_earlier_attempt_is_managed_and_expires(shown):
    stored = state(record(spec(), "due", id="new", past=("old",)))
    assert kinds(decide(project(spec()), stored, seen(live("reduce", shown, id="old")))) == ["create reduce"]


def test_request_that_timed_out_before_the_clock_was_set_back_is_decided():
    open_one = intent(spec(), given_up=NOW + 48 * HOUR)
    assert observe(state(open_one), seen(asked=NOW, at=NOW, found=NOW)).intents == (open_one,)
    assert observe(state(open_one), seen(asked=NOW + SETTLE, at=NOW + SETTLE, found=NOW)).intents == ()


UNSEEN = "session disappeared before its end was seen (ended, pruned or expired)"


@pytest.mark.parametrize(
    ("vanished", "expected"),
    [
        ("hold", f"unknown reduce ({UNSEEN}; on hold until `mark complete` or `mark rerun`)"),
        ("rerun", f"create reduce ({UNSEEN}; runs again (vanished: rerun))"),
        ("complete", f"done reduce ({UNSEEN}; counted as complete (vanished: complete))"),
    ],
)
def test_manifest_decides_about_a_vanished_session(vanished, expected):
    wanted = spec(vanished=vanished)
    plan = decide(project(wanted), state(record(wanted, seen=NOW - HOUR, attempt=2)), seen(not_found=["reduce"]))
    assert lines(plan) == [expected]
    (action,) = plan.actions
    assert (action.desired.run_number, action.attempt) == (0, 1)  # of the same run as those that did not vanish
    assert not action.counts_as_mass


@pytest.mark.parametrize(("vanished", "expected"), [("hold", "blocked"), ("rerun", "wait"), ("complete", "create")])
def test_dependent_of_a_vanished_session_is_blocked_waits_or_continues(vanished, expected):
    first, second = spec("first", vanished=vanished), spec("second", needs=("first",))
    plan = decide(project(first, second), state(record(first, "unknown", note=UNSEEN)))
    assert {one.name: one.kind for one in plan.actions}["second"] == expected


def test_changed_replica_that_vanished_is_replaced_in_every_mode():
    for vanished in ("hold", "rerun", "complete"):
        changed = spec(vanished=vanished, args=("new.py",))
        assert kinds(decide(project(changed), state(record(spec(), "unknown", note=UNSEEN)))) == ["replace reduce"]


def vanish(stored, at, wanted, status="Running"):
    """One session accepted, listed once if it has a status, then not listed; with the plan that follows."""
    if status:
        stored = observe(stored, seen(live("reduce", status), at=at - 10))
    return observe(stored, seen(not_found=["reduce"], at=at)), decide(
        project(wanted), stored, seen(not_found=["reduce"], at=at)
    )


@pytest.mark.parametrize("status", ["Running", None])
@pytest.mark.parametrize("vanished", ["hold", "rerun", "complete"])
def test_session_that_vanishes_repeatedly_does_not_run_forever(status, vanished):
    """A server that forgets ended sessions at once, or a script that deletes them: nobody saw the end."""
    wanted = spec(vanished=vanished)
    fresh = record(wanted, "accepted", accepted=NOW - 20)
    stored, first = vanish(state(fresh), NOW, wanted, status)
    if status and vanished == "complete":
        assert kinds(first) == ["done reduce"]
        return
    assert kinds(first) == ["create reduce"]
    again = record_of_create(WorkingState.from_document(stored), intent(wanted), "reduce", NOW + 1)
    stored, second = vanish(replace(stored, replicas=(again,)), NOW + 20, wanted, status)
    assert kinds(second) == ["done reduce" if vanished == "complete" else "unknown reduce"]
    assert "disappeared again before its end was seen" in reason_text(second.actions[0].reason)
    assert only(stored).phase is Phase.UNKNOWN


LAST_SEEN = "disappeared {} s after it was last seen {}"


@pytest.mark.parametrize("phase", ACTIVE)
@pytest.mark.parametrize("age", [0, 10, 299, 300, 48 * HOUR])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_complete_never_runs_a_session_again_that_was_seen_active(phase, age, before):
    wanted = spec(vanished="complete")
    stored = state(record(wanted, phase, seen=NOW - age, vanished=before))
    plan = decide(project(wanted, spec("next", needs=("reduce",))), stored, seen(not_found=["reduce"]))
    assert kinds(plan) == ["done reduce", "create next"]
    assert plan.refused is None


@pytest.mark.parametrize(("age", "before"), [(12, 0), (299, 0), (12, 1), (300, 0)])
@pytest.mark.parametrize("vanished", ["hold", "rerun"])
def test_others_run_again_once_within_five_minutes_and_the_reason_states_the_age(vanished, age, before):
    wanted = spec(vanished=vanished)
    stored = state(record(wanted, seen=NOW - age, vanished=before))
    (action,) = decide(project(wanted), stored, seen(not_found=["reduce"])).actions
    if age < 300 and before == 0:
        text = LAST_SEEN.format(age, "running")
        assert (action.kind, reason_text(action.reason)) == ("create", f"{text}; treated as deleted")
    else:
        assert action.kind == ("create" if vanished == "rerun" and before == 0 else "unknown")


def test_reason_of_a_vanished_session_that_counts_as_complete_states_the_age():
    wanted = spec(vanished="complete")
    plan = decide(project(wanted), state(record(wanted, seen=NOW - 12)), seen(not_found=["reduce"]))
    text = LAST_SEEN.format(12, "running")
    assert lines(plan) == [f"done reduce ({text}; counted as complete (vanished: complete))"]


@pytest.mark.parametrize("phase", ["gone", "unknown"])
def test_vanished_session_that_counts_as_complete_does_not_run_again_for_more_ram(phase):
    stored = state(record(spec(vanished="complete"), phase, note="disappeared"))
    assert kinds(decide(project(spec(vanished="complete", ram=64)), stored)) == ["done reduce"]
    edited = spec(vanished="complete", args=("new.py",))
    assert kinds(decide(project(edited), stored)) == ["replace reduce"]
    never = spec(vanished="complete", args=("new.py",), rerun="never")
    assert kinds(decide(project(never), stored)) == ["done reduce"]
    kept = spec(vanished="complete", args=("new.py",), protect=True)
    assert kinds(decide(project(kept), stored)) == ["protected reduce"]


def test_one_that_ended_in_between_was_deleted_the_next_time():
    wanted = spec(retries=5)
    first = observe(state(record(wanted)), seen(not_found=["reduce"]))
    retried = record_of_create(WorkingState.from_document(first), intent(wanted, attempt=2), "reduce", NOW + 1)
    stored = replace(first, replicas=(retried,))
    stored = observe(stored, seen(live("reduce"), at=NOW + 10))
    assert kinds(decide(project(wanted), stored, seen(not_found=["reduce"], at=NOW + 20))) == ["create reduce"]


def test_others_of_a_project_need_not_vanish_twice_to_prove_it_too():
    many = spec(replicas=2)
    held = record(many, "unknown", vanished=2)
    stored = state(held, record(many, number=2))
    assert kinds(decide(project(many), stored, seen(not_found=["reduce-2"]))) == [
        "unknown reduce-1",
        "unknown reduce-2",
    ]
    tomorrow = [replace(held, seen=NOW - 25 * HOUR), record(many, number=2)]
    assert kinds(decide(project(many), state(*tomorrow), seen(not_found=["reduce-2"]))) == [
        "unknown reduce-1",
        "create reduce-2",
    ]


def test_notebooks_that_vanish_are_kept_alive():
    stored = state(record(DESK, vanished=7, accepted=NOW - HOUR))
    assert kinds(decide(project(DESK), stored, seen(not_found=["desk"]))) == ["create desk"]


@pytest.mark.parametrize(("status", "expected"), [("Terminating", "wait reduce"), ("Completed", "replace reduce")])
def test_no_replacement_is_created_while_a_reappeared_session_terminates(status, expected):
    vanished = Attempt(attempt=1, phase=Phase.UNKNOWN, id="earlier")
    stored = state(record(spec(args=("old",)), "unknown", id=None, past=("earlier",), earlier=(vanished,)))
    plan = decide(project(spec()), stored, seen(live("reduce", status, id="earlier")))
    assert kinds(plan) == [expected]
    assert not plan.actions[0].waits_indefinitely
