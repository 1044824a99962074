"""A process may be killed between any two of its steps: the next one finishes, and nothing is lost or there twice.

Every step of all: `SKAHA_APPLY_CRASH_EVERY=1`.
"""

from __future__ import annotations

import os
import random
from copy import deepcopy

import pytest
from judge import faults_of
from server import IMAGES, Weather
from world import Universe

from skaha_apply.model.project import Project
from skaha_apply.model.session import Kind
from skaha_apply.model.spec import SessionSpec

EVERY = int(os.environ.get("SKAHA_APPLY_CRASH_EVERY", "8"))
FILE = "manifests/survey.yaml"
WEATHER = Weather(latency=(0.02, 0.2), list_lag=1.0, gone_lag=1.0, linger=(0.0, 3.0))


def _project(*sessions):
    return Project(name="survey", sessions=sessions, files=(FILE,), folders=("manifests",))


def _reduce(word):
    return SessionSpec(name="reduce", image=IMAGES[0], replicas=4, cmd="run", args=(word,), ram=4, file=FILE)


BEFORE = _project(_reduce("old"))
# Four are replaced, eight created, and one of them is interactive.
AFTER = _project(
    _reduce("new"),
    SessionSpec(name="mosaic", image=IMAGES[0], replicas=7, cmd="run", cores=2, ram=8, file=FILE),
    SessionSpec(name="desk", image=IMAGES[1], kind=Kind.NOTEBOOK, file=FILE),
)


def _begun(root, seed=0):
    universe = Universe(random.Random(seed), root)
    universe.server.plan = lambda form: (1.0, 10_000.0, False)
    universe.server.change_weather(WEATHER)
    universe.server.add_unmanaged_session("mosaic-2x")
    ended = universe.apply(BEFORE)
    assert ended.crash is None
    universe.pass_time(30)
    return universe


def _problems(universe, *deaths):
    """What is wrong after processes that died, each at once after the other, and one that did not."""
    for death in deaths:
        ended = universe.apply(AFTER, **death)
        if ended.crash is not None:
            return [repr(ended.crash)]
    ended = universe.apply(AFTER)
    if ended.report is None:
        return [f"the next apply failed: {ended.error or ended.crash!r}"]
    universe.pass_time(30)
    return faults_of(universe, [BEFORE, AFTER], universe.plan(AFTER).report)


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A world after the first apply; each run begins with a copy of it."""
    return _begun(tmp_path_factory.mktemp("begun"))


@pytest.fixture
def whole(begun):
    """The process of an apply that nothing disturbs: how many points and turns it has."""
    ended = deepcopy(begun).apply(AFTER)
    assert dict(ended.report.applied) == {"replace": 4, "create": 8}
    return ended.process


def test_killed_before_or_after_any_request_or_write(begun, whole):
    points = whole.points.total()
    assert points > 80
    found = {}
    for point in range(1, points + 1):
        if problems := _problems(deepcopy(begun), {"kill_at": point}):
            found[point] = problems
    assert not found


def test_killed_at_any_await(begun, whole):
    assert whole.turns > 300
    found = {}
    for turn in range(1, whole.turns + 1, EVERY):
        if problems := _problems(deepcopy(begun), {"kill_turn": turn}):
            found[turn] = problems
    assert not found


def test_killed_again_and_again(tmp_path, whole):
    draw = random.Random(7)
    found = {}
    for seed in range(25):
        deaths = [{"kill_turn": draw.randint(1, whole.turns)} for _ in range(draw.randint(2, 5))]
        if problems := _problems(_begun(tmp_path, seed), *deaths):
            found[seed] = problems
    assert not found


def test_interrupted_at_any_moment(tmp_path):
    """As by SIGINT: it ends within seven seconds by itself, and what it leaves behind is known."""
    draw = random.Random(3)
    found = {}
    for seed in range(25):
        universe = _begun(tmp_path, seed)
        begun, after = universe.timeline.now, draw.uniform(0, 8)
        ended = universe.apply(AFTER, cancel_after=after)
        took = universe.timeline.now - begun - after
        if ended.report is None and took > 7.0:
            found[seed] = [f"ended {took:.1f} s after the interrupt"]
        elif problems := _problems(universe):
            found[seed] = problems
    assert not found
