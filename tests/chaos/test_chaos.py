"""Whatever the network, the server and the machine do: nothing is lost, nothing runs twice, nothing else is touched.

Each seed is a project with its changes, a mix of faults, and processes that are killed or interrupted. When the faults
stop, one more apply has to make everything right. More seeds: `SKAHA_APPLY_CHAOS_SEEDS=2000`; one again, with the
requests that led to it: `SKAHA_APPLY_CHAOS_SEED=17`.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest
from judge import faults_of
from scenario import Attempt, calm, draw
from world import Universe, Vault

from skaha_apply.state.local import archive

SEEDS = 150
LATEST = 60.0  # seconds after which nothing is on its way any more
MORE_PASSES = 12  # where sessions need others, each pass carries on by one step


def _chosen():
    if one := os.environ.get("SKAHA_APPLY_CHAOS_SEED"):
        return [int(one)]
    return list(range(int(os.environ.get("SKAHA_APPLY_CHAOS_SEEDS", SEEDS))))


class Story:
    """One seed, played."""

    def __init__(self, seed, root):
        self.random = random.Random(seed)
        self.scenario = draw(self.random)
        scenario = self.scenario
        self.universe = Universe(self.random, root, skew=scenario.skew)
        self.universe.vaults["survey"] = Vault(
            Path(root) / "archive", interval=scenario.interval, failing=scenario.store_failing
        )
        self.server = self.universe.server
        self.server.plan = self._fate
        for name, changes in scenario.unmanaged:
            self.server.add_unmanaged_session(name, **changes)
        self.problems = []
        self.processes = self.killed = 0

    def _fate(self, form):
        name = form["name"].lower()
        stem = next(
            (one for one in self.scenario.fates if name == one.lower() or name.startswith(f"{one.lower()}-")), ""
        )
        queue, runs, failing = self.scenario.fates.get(stem, (1.0, 60.0, 0.0))
        return (self.random.uniform(0, queue), runs * self.random.uniform(0.5, 1.5), self.random.random() < failing)

    def play(self):
        """The faults, then the calm; gives every broken promise."""
        self.server.change_weather(self.scenario.weather)
        for chapter in self.scenario.chapters:
            for attempt in chapter.attempts:
                self._try(chapter.project, attempt)
        self.server.change_weather(calm(self.scenario.weather))
        self.universe.vaults["survey"].failing = 0.0
        self.universe.pass_time(LATEST)
        last = self.scenario.chapters[-1].project
        plan = self._apply_once_more(last)
        if plan is not None:
            self.problems += self._judge(plan)
            self._carry_on(last, plan)
        return self.problems

    def _carry_on(self, project, plan):
        """What waits for something else is created in later passes, and then nothing is left to do."""
        for _ in range(MORE_PASSES):
            if self.problems or not any(action.kind.value == "wait" for action in plan.actions):
                return
            self.universe.pass_time(500)
            plan = self._apply_once_more(project)
            self.problems += self._judge(plan)

    def _apply_once_more(self, project):
        """The apply that makes everything right, and the plan after it."""
        begun = self.universe.timeline.now
        self._try(project, Attempt())
        plan = self._plan(project)
        jobs = self.server.jobs.values()
        if any(begun <= job.ended <= self.universe.timeline.now or job.late for job in jobs):
            # A session that ended between the listings of apply and plan can make another replica due. A session that
            # appeared after its request timed out is deleted first, and then created again.
            self._try(project, Attempt())
            plan = self._plan(project)
        return plan

    def _judge(self, plan):
        chapters = [one.project for one in self.scenario.chapters]
        return faults_of(self.universe, chapters, plan)

    def _try(self, project, attempt):
        self.universe.pass_time(attempt.pause)
        self.server.trace.append(f"{self.universe.timeline.now:10.2f} == {attempt}")
        kwargs = {name: getattr(attempt, name) for name in ("wait", "timeout", "kill_at", "cancel_after")}
        ended = self.universe.apply(project, **kwargs)
        self.processes += 1
        self.killed += ended.killed
        report = ended.report
        told = f"{report.exit_code!r} {dict(report.applied)} {report.failed[:3]}" if report else f"{ended.error!r}"
        self.server.trace.append(f"{self.universe.timeline.now:10.2f} == ended: killed={ended.killed} {told}")
        if ended.crash is not None:
            self.problems.append(f"crash: {ended.crash!r}")

    def _plan(self, project):
        ended = self.universe.plan(project)
        if ended.report is None:
            self.problems.append(f"no plan: {ended.error or ended.crash!r}")
        return ended.report


@pytest.mark.parametrize("seed", _chosen())
def test_nothing_is_lost_and_nothing_runs_twice(seed, tmp_path, tally):
    story = Story(seed, tmp_path)
    problems = story.play()
    made = [job for job in story.server.jobs.values() if not job.is_unmanaged]
    late = sum(job.late for job in made)
    tally.update(seeds=1, processes=story.processes, killed=story.killed, sessions=len(made), late=late)
    tally.update(requests=story.server.served.total(), faults=story.server.struck.total())
    shown = "\n  ".join(problems[:12])
    if "SKAHA_APPLY_CHAOS_SEED" in os.environ:
        shown = "\n".join((*story.server.trace, str(replace(story.scenario, fates={})), shown))
    assert not problems, f"replay it: SKAHA_APPLY_CHAOS_SEED={seed} pytest tests/chaos/test_chaos.py\n  {shown}"


def test_nothing_is_lost_if_done_records_move_to_an_archive(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "LEAST_ARCHIVED", 2)
    found, files = {}, 0
    for seed in range(1_000, 1_012):
        (root := tmp_path / str(seed)).mkdir()
        if problems := Story(seed, root).play():
            found[seed] = problems
        files += len(list(root.glob("archive/*")))
    assert not found
    assert files > 5
