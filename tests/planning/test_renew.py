"""`renew`: an interactive session is kept from its deadline, and the server is not asked more often than of use."""

from __future__ import annotations

import pytest
from scene import HOUR, NOW, decide, desktop, kinds, lines, live, observe, only, project, record, seen, spec, state

DAY = 24 * HOUR
DESK = desktop(renew=2 * DAY)


def shown(left=DAY, status="Running", name="desk", **fields):
    return seen(live(name, status, kind="notebook", expires=None if left is None else NOW + left, **fields))


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (2 * DAY, "unchanged desk (running)"),
        (2 * DAY - 1, "renew desk (expires in 2d, which is less than its renew: 2d)"),
        (DAY, "renew desk (expires in 1d, which is less than its renew: 2d)"),
        (90, "renew desk (expires in 90s, which is less than its renew: 2d)"),
        (0, "unchanged desk (running)"),
        (-DAY, "unchanged desk (running)"),
        (None, "unchanged desk (running)"),
    ],
)
def test_it_is_renewed_when_less_is_left(left, expected):
    plan = decide(project(DESK), state(record(DESK)), shown(left))
    assert lines(plan) == [expected]
    (action,) = plan.actions
    assert action.id == "desk"
    assert not action.sessions_to_delete
    assert not [line for line in plan.approved if line.startswith("!")]


def test_the_deadline_is_what_was_listed_last():
    stored = observe(state(record(DESK)), shown(DAY))
    assert only(stored).expires == NOW + DAY
    assert only(observe(stored, shown(None, "Pending"))).expires is None


@pytest.mark.parametrize(
    ("granted", "ago", "expected"),
    [
        (DAY, 0, "unchanged"),
        (DAY, 0.4 * DAY, "unchanged"),
        (DAY, 0.5 * DAY, "renew"),
        (4 * DAY, 1.9 * DAY, "unchanged"),
        (4 * DAY, 2.1 * DAY, "renew"),
        (DAY, -HOUR, "renew"),  # the clock was set back
    ],
)
def test_it_is_not_due_again_until_half_of_what_was_granted_has_passed(granted, ago, expected):
    desk = desktop(renew=30 * DAY)
    stored = state(record(desk, renewed=NOW - ago))
    assert kinds(decide(project(desk), stored, shown(granted - ago))) == [f"{expected} desk"]


@pytest.mark.parametrize("status", ["Terminating", "Odd"])
def test_terminating_session_is_not_renewed(status):
    assert kinds(decide(project(DESK), state(record(DESK)), shown(DAY, status))) == ["unchanged desk"]


def test_a_batch_session_has_a_deadline_that_nothing_moves():
    batch = spec(renew=2 * DAY)
    plan = decide(project(batch), state(record(batch)), seen(live("reduce", expires=NOW + HOUR)))
    assert kinds(plan) == ["unchanged reduce"]


def test_one_that_is_protected_from_a_change_is_renewed_all_the_same():
    desk = desktop(renew=2 * DAY, protect=True, image="images.canfar.net/skaha/new:1")
    plan = decide(project(desk), state(record(DESK)), shown(DAY))
    assert lines(plan) == [
        "renew desk (expires in 1d, which is less than its renew: 2d; spec changed, but it is protected)"
    ]
    assert kinds(decide(project(desk), state(record(DESK)), shown(3 * DAY))) == ["protected desk"]


def test_undesired_session_is_not_renewed():
    assert kinds(decide(project(), state(record(DESK)), shown(DAY))) == ["delete desk"]
