"""A plan of many combinations is cheap: what no combination uses is not asked for each of them."""

from __future__ import annotations

from scene import IMAGE, project, seen, state

from skaha_apply.model.spec import SessionSpec
from skaha_apply.planning.planner import plan
from skaha_apply.planning.situation import Situation
from tests.counted_calls import calls_for_each_further


def combinations(count):
    shared = {"image": IMAGE, "cmd": "python", "group": "tile-${tile}"}
    return [SessionSpec.unchecked({**shared, "name": f"tile-{n}", "args": (f"{n}",)}) for n in range(count)]


def test_a_combination_without_limits_and_needs_takes_few_calls():
    """One more takes 49 function calls, and 58 if its limits, needs and second sessions are looked up."""
    projects = {count: project(*combinations(count)) for count in (100, 200)}
    calls = calls_for_each_further(lambda count: plan(projects[count], Situation(state(), seen())))
    assert calls["planning"] <= 50
    assert calls["model"] <= 15
