"""Owners that are stopped at any request, clocks that are wrong by hours, a signal when they wake: nothing runs twice.

More seeds: `SKAHA_APPLY_LOCK_SEEDS=2000`; one again: `SKAHA_APPLY_LOCK_SEED=17`.
"""

from __future__ import annotations

import os
import random

import pytest
from contest import Contest, Machine, Remote, Shared
from judge import faults_of
from server import IMAGES, Weather

from skaha_apply.model.errors import StateLocked, Unreachable
from skaha_apply.model.project import Project
from skaha_apply.model.spec import SessionSpec

SEEDS = 40
FILE = "manifests/survey.yaml"
HOURS = (0, 0, -30, -2, 2, 30)
SLEEPS = (5.0, 100.0, 3500.0, 3900.0, 8000.0)
WEATHER = Weather(latency=(0.02, 0.4), list_lag=0.5)


def _chosen():
    if one := os.environ.get("SKAHA_APPLY_LOCK_SEED"):
        return [int(one)]
    return list(range(int(os.environ.get("SKAHA_APPLY_LOCK_SEEDS", SEEDS))))


def _project(replicas):
    spec = SessionSpec(
        name="reduce", image=IMAGES[0], replicas=replicas, cmd="run", args=("x",), ram=4, vanished="rerun", file=FILE
    )
    return Project(name="survey", sessions=(spec,), files=(FILE,), folders=("manifests",))


class Story:
    """One seed, played."""

    def __init__(self, seed, root):
        self.random = random.Random(seed)
        draw = self.random
        self.contest = Contest(draw, root, concurrency=draw.choice((1, 8, 32)))
        if draw.random() < 0.25:
            self.contest.kept = Shared(root / "survey.state.json")
        else:
            self.contest.kept = Remote(self.contest, dated=draw.random() < 0.85, naive=draw.random() < 0.3)
        self.contest.server.plan = lambda form: (1.0, 100_000.0, False)
        self.contest.server.change_weather(WEATHER)
        self.project = _project(draw.choice((3, 12, 40)))
        self.problems = []
        self.lost = 0

    def play(self):
        """An owner sleeps, a second process comes and may sleep as well, both wake; then one apply ends it all."""
        draw, contest = self.random, self.contest
        most = 4 * self.project.sessions[0].replicas + 30
        owner = contest.start(self.project, self._machine(stop_at=draw.randint(1, most)))
        slept = draw.choice(SLEEPS)
        contest.sleep(owner, slept)
        second_stops = draw.randint(1, most) if isinstance(contest.kept, Remote) and draw.random() < 0.3 else None
        second = contest.start(self.project, self._machine(stop_at=second_stops))
        if not second.task.done():
            contest.sleep(second, draw.choice(SLEEPS))
        before = self._created()
        contest.wake(owner, interrupted=draw.random() < 0.2)
        took_over = second.task.done() and second.ended.error is None and not owner_was_done(owner, slept)
        if took_over and self._created() != before:
            self.problems.append(f"{self._created() - before} more were created by an owner that was overtaken")
        contest.wake(second, interrupted=draw.random() < 0.2)
        for one in (owner, second):
            self._judge_end(one)
        self._finish()
        return self.problems

    def _machine(self, stop_at):
        draw = self.random
        blind = draw.choice(("", "", "wall", "running"))
        return Machine(stop_at=stop_at, ahead=draw.choice(HOURS) * 3600.0, blind=blind)

    def _created(self):
        return len(self.contest.server.jobs)

    def _judge_end(self, running):
        ended = running.ended
        if ended.crash is not None:
            self.problems.append(f"crash: {ended.crash!r}")
        self.lost += isinstance(ended.error, StateLocked) and "is lost" in ended.error.message
        # A list that was asked for before the sleep has no response after it.
        expected = isinstance(ended.error, StateLocked | Unreachable) or str(ended.error) == "interrupted"
        if ended.error is not None and not expected:
            self.problems.append(f"it ended otherwise: {ended.error!r}")

    def _finish(self):
        self.contest.pass_time(60)
        self.contest.kept.unlock()  # `state unlock`, for what a signal may have left behind
        ended = self.contest.start(self.project, Machine()).ended
        self.contest.pass_time(60)
        if ended.report is None:
            self.problems.append(f"the last apply failed: {ended.error or ended.crash!r}")
            return
        plan = self.contest.plan(self.project).report
        self.problems += faults_of(self.contest, [self.project], plan)


def owner_was_done(owner, slept):
    """Whether the first process had ended before it could be stopped, or its lock could not be taken over yet."""
    return not owner.process.stopped or slept < 3660


@pytest.mark.parametrize("seed", _chosen())
def test_a_sleeping_owner_and_wrong_clocks_make_no_session_twice_and_lose_none(seed, tmp_path, tally):
    story = Story(seed, tmp_path)
    problems = story.play()
    tally.update(lock_seeds=1, lost_locks=story.lost, sessions=story._created())
    shown = "\n  ".join(problems[:12])
    if "SKAHA_APPLY_LOCK_SEED" in os.environ:
        shown = "\n".join((*story.contest.server.trace, shown))
    assert not problems, f"replay it: SKAHA_APPLY_LOCK_SEED={seed} pytest tests/chaos/test_locks.py\n  {shown}"
