"""Two writers on one bare repository, killed at random moments: nothing is lost, and nothing runs twice.

More runs: `SKAHA_APPLY_GIT_RUNS=200`; one again: `SKAHA_APPLY_GIT_RUN=17`.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import time
from collections import Counter

import pytest

RUNS = 1
WAIT_S = 100
REPLICAS = 5
LONGEST = 2.5  # seconds after which the last kill comes; an apply of these replicas takes about as long
MANIFEST = """\
version: 1
project: survey
sessions:
  - {{name: {name}, image: "images.canfar.net/skaha/astroml:24.07", replicas: {replicas}, cmd: "true"}}
"""


def _chosen():
    if one := os.environ.get("SKAHA_APPLY_GIT_RUN"):
        return [int(one)]
    return list(range(int(os.environ.get("SKAHA_APPLY_GIT_RUNS", RUNS))))


class Contest:
    """A repository with the state, and commands of two machines, each with a folder of its own."""

    def __init__(self, prepared, sandbox, folder, name):
        self.prepared, self.sandbox, self.folder, self.name = prepared, sandbox, folder, name
        self.remote = folder / "remote.git"
        subprocess.run(["git", "init", "--quiet", "--bare", str(self.remote)], check=True)
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        (folder / "tmp").mkdir()
        given = {"HOME": str(folder), "SKAHA_URL": sandbox.url, "SKAHA_TOKEN": sandbox.token}
        self.environment = kept | given | {"TMPDIR": str(folder / "tmp")}
        self.killed = set()
        for machine in ("one", "two"):
            (folder / machine).mkdir()
            (folder / machine / "m.yaml").write_text(MANIFEST.format(name=name, replicas=REPLICAS))

    def start(self, machine, *words):
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        words = (*words, "--state", f"git:{self.remote}")
        return self.prepared.start(words, cwd=self.folder / machine, env=self.environment, **pipes)

    def run(self, *words):
        process = self.start("one", *words)
        out, err = process.communicate(timeout=WAIT_S)
        return process.returncode, out, err

    def contend(self, draw):
        """Two applies at the same time; one or both are killed. Returns the number of kills, and the survivor."""
        words = ("apply", "--yes", "--settle", "1", "--lock-timeout", "5s")
        running = {name: self.start(name, *words) for name in ("one", "two")}
        doomed = draw.choice((("one",), ("two",), ("one", "two")))
        begun = time.monotonic()
        for moment, name in sorted((draw.uniform(0.1, LONGEST), name) for name in doomed):
            time.sleep(max(0.0, begun + moment - time.monotonic()))
            self.killed.add(running[name].pid)
            running[name].kill()
        for name in doomed:
            running.pop(name).communicate(timeout=WAIT_S)
        return len(doomed), next(iter(running.values()), None)

    def free(self):
        """Break the lock of a killed run, if there is one; the message with its ID shows its age."""
        code, _, err = self.run("refresh")
        if code != 6:
            return 0
        shown = " ".join(err.split())
        found = re.search(r"\(process (\d+)\).* since \S+ \(\d+ (?:s|min) ago\).*state unlock ([0-9a-f-]{36})", shown)
        assert found, err
        if int(found[1]) not in self.killed:
            return 0
        code, _, err = self.run("state", "unlock", found[2])
        assert code == 0, err
        return 1

    def check(self):
        made = Counter(one["name"] for one in self.sandbox.sessions() if one["name"].startswith(f"{self.name}-"))
        assert made == {f"{self.name}-{replica}": 1 for replica in range(1, REPLICAS + 1)}
        shown = subprocess.run(
            ["git", "--git-dir", str(self.remote), "show", "refs/heads/skaha-state/survey:state.json"],
            check=True, capture_output=True,
        )  # fmt: skip
        state = json.loads(shown.stdout)
        assert {one["name"]: one["phase"] for one in state["replicas"]} == dict.fromkeys(made, "done")
        assert not state.get("intents")


@pytest.mark.parametrize("number", _chosen())
def test_two_writers_with_kills_lose_nothing_and_run_nothing_twice(prepared, sandbox, tmp_path, tally, number):
    draw = random.Random(number)
    contest = Contest(prepared, sandbox, tmp_path, f"r{number}")
    kills, survivor = contest.contend(draw)
    freed = contest.free()
    if survivor is not None:
        out, err = survivor.communicate(timeout=WAIT_S)
        assert survivor.returncode in (0, 6), (out, err)
    freed += contest.free()
    code, out, err = contest.run("apply", "--yes", "--settle", "1", "--wait", "complete", "--poll", "1s")
    assert code == 0, (out, err)
    contest.check()
    tally.update(git_runs=1, git_kills=kills, git_locks_left=freed, git_sessions=REPLICAS)
