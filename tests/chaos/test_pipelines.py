"""Pipelines in bad weather, with processes that die: attempts are counted right, limits are kept, no deadline passes.

More seeds: `SKAHA_APPLY_CHAOS_SEEDS=2000`; one again, with its requests: `SKAHA_APPLY_CHAOS_SEED=17`.
"""

from __future__ import annotations

import os
import random
from copy import deepcopy

import pytest
from pipelines import FAIL, HANG, PASS, Pipeline, broken_promises, draw, fate_of, renewal_faults
from scenario import FILE, Attempt, calm, draw_weather
from server import IMAGES, LIFE, Weather
from world import Universe

from skaha_apply.model.project import Project
from skaha_apply.model.session import Kind
from skaha_apply.model.spec import SessionSpec

SEEDS = 40
EVERY = int(os.environ.get("SKAHA_APPLY_CRASH_EVERY", "8"))
FOUR_HOURS = 4 * 3600.0


def _chosen():
    if one := os.environ.get("SKAHA_APPLY_CHAOS_SEED"):
        return [int(one)]
    return list(range(int(os.environ.get("SKAHA_APPLY_CHAOS_SEEDS", SEEDS))))


def _universe(pipeline, chance, root):
    universe = Universe(chance, root)
    universe.server.plan = fate_of(universe.server, pipeline)
    for number in range(pipeline.unmanaged):
        universe.server.add_unmanaged_session(f"somebody-{number}")
    universe.server.change_weather(pipeline.weather)
    return universe


def _to_the_end(universe, pipeline):
    """One invocation without faults that waits until nothing can change; returns the broken promises."""
    universe.server.change_weather(calm(pipeline.weather))
    universe.pass_time(60)
    ended = universe.apply(pipeline.project, wait="complete", timeout=100_000)
    if ended.report is None or ended.report.failed:
        return [f"the last apply: {ended.error or ended.crash or ended.report.failed}"]
    plan = universe.plan(pipeline.project).report
    found = [f"still to do: {one.kind} {one.name}" for one in plan.actions if one.kind.changes or one.kind == "wait"]
    return found + broken_promises(universe.server, pipeline, ended=True)


@pytest.mark.parametrize("seed", _chosen())
def test_attempts_are_counted_right_and_limits_are_kept(seed, tmp_path, tally):
    chance = random.Random(seed)
    pipeline = draw(chance)
    universe = _universe(pipeline, chance, tmp_path)
    problems = []
    for attempt in pipeline.attempts:
        universe.pass_time(attempt.pause)
        kwargs = {name: getattr(attempt, name) for name in ("wait", "timeout", "kill_at", "cancel_after")}
        ended = universe.apply(pipeline.project, **kwargs)
        problems += [f"crash: {ended.crash!r}"] if ended.crash is not None else []
        problems += broken_promises(universe.server, pipeline, ended=False)
    problems += _to_the_end(universe, pipeline) if not problems else []
    tally.update(pipelines=1, sessions=len(universe.server.jobs), requests=universe.server.served.total())
    shown = "\n  ".join(problems[:12])
    if "SKAHA_APPLY_CHAOS_SEED" in os.environ:
        shown = "\n".join((*universe.server.trace, str(pipeline), shown))
    assert not problems, f"replay it: SKAHA_APPLY_CHAOS_SEED={seed} pytest tests/chaos/test_pipelines.py\n  {shown}"


# -- killed anywhere, with retries, a timeout and a renewal due

TILE = {"image": IMAGES[0], "cmd": "run", "group": "tile-${tile}", "file": FILE, "retries": 2, "timeout": 300.0}
CRASHING = Pipeline(
    project=Project(
        "survey",
        (
            *(SessionSpec(name=f"tile-{tile}", args=(tile,), values={"tile": tile}, **TILE) for tile in "abcd"),
            SessionSpec(name="desk", image=IMAGES[1], kind=Kind.NOTEBOOK, renew=LIFE - 200.0, file=FILE),
        ),
        files=(FILE,),
        folders=("manifests",),
    ),
    attempts=(),
    weather=Weather(latency=(0.02, 0.2), list_lag=1.0, gone_lag=1.0, linger=(0.0, 3.0)),
    fates={"tile-a": [FAIL, PASS], "tile-b": [HANG, FAIL, PASS], "tile-c": [HANG] * 3 + [PASS], "tile-d": [PASS]},
    unmanaged=1,
    computes=30.0,
)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """After six minutes: one has failed, two take too long, and the notebook is to be renewed."""
    universe = _universe(CRASHING, random.Random(5), tmp_path_factory.mktemp("begun"))
    ended = universe.apply(CRASHING.project)
    assert dict(ended.report.applied) == {"create": 5}
    universe.pass_time(60)
    assert not universe.apply(CRASHING.project).report.applied  # the failure is seen, and the retry not due yet
    universe.pass_time(300)
    return universe


def _copied(begun):
    """A copy of a world, whose server counts the attempts of the copy."""
    universe = deepcopy(begun)
    universe.server.plan = fate_of(universe.server, CRASHING)
    return universe


@pytest.fixture
def whole(begun):
    """The process of an apply that nothing disturbs."""
    ended = _copied(begun).apply(CRASHING.project)
    assert dict(ended.report.applied) == {"retry": 1, "delete": 2, "renew": 1}
    return ended.process


@pytest.mark.parametrize("death", ["kill_at", "kill_turn"])
def test_killed_anywhere_with_a_retry_a_timeout_and_a_renewal_under_way(begun, whole, death):
    places = range(1, whole.points.total() + 1) if death == "kill_at" else range(1, whole.turns + 1, EVERY)
    found = {}
    for place in places:
        universe = _copied(begun)
        ended = universe.apply(CRASHING.project, **{death: place})
        problems = [repr(ended.crash)] if ended.crash is not None else _to_the_end(universe, CRASHING)
        if problems := problems or list(renewal_faults(universe.server, universe.timeline.now, 1)):
            found[place] = problems
    assert not found


@pytest.mark.parametrize("seed", range(6))
def test_a_notebook_lives_on_for_weeks(seed, tmp_path):
    chance = random.Random(seed)
    desk = SessionSpec(name="desk", image=IMAGES[1], kind=Kind.NOTEBOOK, renew=3 * 86400.0, file=FILE)
    project = Project("survey", (desk,), files=(FILE,), folders=("manifests",))
    universe = Universe(chance, tmp_path)
    assert universe.apply(project).report is not None
    universe.pass_time(60)
    weather, days = draw_weather(chance, overdue=0.0), 0.0
    found = []
    while days < 12 and not found:
        universe.server.change_weather(weather if chance.random() < 0.5 else calm(weather))
        attempt = chance.choice((Attempt(), Attempt(), Attempt(kill_at=chance.randint(1, 12))))
        ended = universe.apply(project, kill_at=attempt.kill_at)
        found += [repr(ended.crash)] if ended.crash is not None else []
        found += renewal_faults(universe.server, universe.timeline.now, days)
        universe.pass_time(FOUR_HOURS)
        days += 4 / 24
    jobs = [job for job in universe.server.jobs.values() if not job.is_unmanaged]
    assert (found, len(jobs)) == ([], 1)
    assert len(jobs[0].renewals) >= 4
