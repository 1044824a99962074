"""Core-hours: what a wait has used, and what the creates of a plan will use."""

from __future__ import annotations

import pytest
import scene
from scene import HOUR, NOW

from skaha_apply.model.session import Phase
from skaha_apply.model.state import Attempt
from skaha_apply.planning.planner import plan
from skaha_apply.planning.situation import Situation
from skaha_apply.planning.summary.core_hours import planned_cost, used_core_hours
from skaha_apply.render.plan.text import plan_text


def cost_of(*specs, records=()):
    found = plan(scene.project(*specs), Situation(scene.state(*records), scene.seen()))
    return planned_cost(found.actions), plan_text(found)


def test_without_a_finished_replica_the_timeout_bounds_the_cost():
    cost, text = cost_of(scene.spec(replicas=10, timeout=2 * HOUR, parallelism=3), scene.spec("sum", needs=("reduce",)))
    assert (cost.replicas, cost.bounded, cost.expected_for) == (11, 10, 0)
    assert cost.at_most == pytest.approx(10 * 2 * 2)
    assert "Cost to come: at most 40.0 core-hours for 10 of 11 replicas (timeout).\n" in text


def test_the_median_of_the_entry_gives_the_expected_cost():
    wanted = scene.spec(replicas=10, timeout=2 * HOUR)
    done = [
        scene.record(wanted, "done", number, started=NOW - 3 * HOUR, ended=NOW - 3 * HOUR + number * HOUR / 2)
        for number in (1, 2, 3)
    ]
    cost, text = cost_of(wanted, records=done)
    assert cost.expected == pytest.approx(7 * 2 * 1.0)
    assert "Cost to come: about 14.0 core-hours (median run time), at most 28.0 (timeout).\n" in text
    assert "Cost to come" not in cost_of(scene.spec(replicas=2))[1]
    assert cost_of(scene.desktop(), records=())[0].replicas == 0


def test_used_core_hours_count_every_attempt_between_two_times():
    wanted = scene.spec(replicas=2)
    running = scene.record(wanted, "running", 1, started=NOW - 2 * HOUR)
    done = scene.record(wanted, "done", 2, started=NOW - 3 * HOUR, ended=NOW - HOUR / 2)
    state = scene.state(running, done)
    assert used_core_hours(state.replicas, state.specs, NOW - HOUR, NOW, 1.0) == pytest.approx(2 * 1 + 2 * 0.5)
    attempts = (
        Attempt(attempt=1, phase=Phase.FAILED, started=NOW - 9 * HOUR, ended=NOW - 8 * HOUR),  # before the wait
        Attempt(attempt=2, phase=Phase.FAILED, started=NOW - 2 * HOUR, ended=NOW - HOUR * 3 / 4),
        Attempt(attempt=3, phase=Phase.UNKNOWN, started=NOW - HOUR / 2, running=NOW - HOUR / 4),  # its end is unknown
        Attempt(attempt=4, phase=Phase.FAILED, accepted=NOW - HOUR / 8),  # never started
    )
    state = scene.state(scene.record(wanted, "pending", 1, earlier=attempts))
    assert used_core_hours(state.replicas, state.specs, NOW - HOUR, NOW, 1.0) == pytest.approx(2 * (1 / 4 + 1 / 4))
    flexible = scene.spec("other", cores=None)
    state = scene.state(scene.record(flexible, "running", 1, started=NOW - HOUR))
    assert used_core_hours(state.replicas, state.specs, NOW - HOUR, NOW, 1.5) == pytest.approx(1.5)
