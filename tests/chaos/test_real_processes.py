"""The same promises with real processes, signals, sockets and files: each replica writes down every time it runs."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter

import pytest

WAIT_S = 100
MANIFEST = """\
version: 1
project: survey
sessions:
  - {{name: reduce, image: "images.canfar.net/skaha/astroml:24.07", replicas: {replicas}, cmd: bash, args: [run.sh]}}
"""
FAULTS = {
    "latency_ms": [2, 40],
    "rate_drop_after": 0.05,
    "rate_drop_before": 0.02,
    "rate_500_after": 0.02,
    "rate_500": 0.01,
    "rate_503": 0.03,
    "rate_429": 0.01,
    "rate_cut_json": 0.01,
    "retry_after": 1,
    "list_lag_s": 0.5,
}


class Survey:
    """A folder with a manifest of `replicas` short jobs, and the tool run in it against a sandbox."""

    def __init__(self, prepared, sandbox, replicas):
        self.prepared = prepared
        self.sandbox, self.folder, self.replicas = sandbox, sandbox.workdir, replicas
        (self.folder / "m.yaml").write_text(MANIFEST.format(replicas=replicas))
        (self.folder / "run.sh").write_text('echo "$SKAHA_APPLY_RUN" >> "ran.$REPLICA_ID"\n')
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PYTHONPATH")}
        home = {"HOME": str(self.folder), "SKAHA_URL": sandbox.url, "SKAHA_TOKEN": sandbox.token}
        self.environment = kept | home

    def start(self, *words):
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return self.prepared.start(words, cwd=self.folder, env=self.environment, **pipes)

    def apply(self, *words):
        return self.start("apply", "--yes", "--settle", "2", *words)

    def run(self, *words):
        process = self.start(*words)
        out, err = process.communicate(timeout=WAIT_S)
        return process.returncode, out, err

    def answered(self):
        return sum(self.sandbox.requests(last=1)["counts"].values())

    def kill_after(self, requests):
        """SIGKILL an apply once the server has received this number of further requests."""
        before, process = self.answered(), self.apply()
        until = time.monotonic() + WAIT_S
        while process.poll() is None and self.answered() < before + requests:
            assert time.monotonic() < until, "waited in vain"
            time.sleep(0.005)
        process.kill()
        process.communicate(timeout=WAIT_S)

    def finish(self):
        """One more apply in good weather, until everything has run; then there is nothing left to do."""
        self.sandbox.faults()
        code, out, err = self.run("apply", "--yes", "--settle", "2", "--wait", "complete", "--poll", "1s")
        assert code == 0, (out, err)
        assert self.run("plan", "--detailed-exitcode")[0] == 0

    def check(self):
        """Every replica has run exactly once, by its own word and by that of the server."""
        ran = {path.name: len(path.read_text().splitlines()) for path in self.folder.glob("ran.*")}
        assert ran == {f"ran.{replica}": 1 for replica in range(1, self.replicas + 1)}
        made = Counter(session["name"] for session in self.sandbox.sessions())
        assert made == {f"reduce-{replica}": 1 for replica in range(1, self.replicas + 1)}


def _kill_and_finish(survey, kills, draw, most):
    survey.sandbox.faults(seed=draw.randrange(1000), **FAULTS)
    for _ in range(kills):
        survey.kill_after(draw.randint(1, most))
    survey.finish()
    survey.check()


def test_killed_at_any_request_under_faults(prepared, sandbox):
    _kill_and_finish(Survey(prepared, sandbox, 40), 4, random.Random(5), 45)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_thousand_replicas_and_ten_kills_under_faults(prepared, fresh_sandbox):
    _kill_and_finish(Survey(prepared, fresh_sandbox("--slots", 16), 2000), 10, random.Random(11), 500)


def test_interrupted_in_the_middle_of_a_hundred_creates(prepared, sandbox):
    survey = Survey(prepared, sandbox, 100)
    sandbox.faults(latency_ms=100)
    process = survey.apply("--concurrency", "8")
    sandbox.wait_until(lambda: len(sandbox.sessions()) > 20)
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 130, (out, err)
    assert time.monotonic() - begun < 7.5
    made = len(sandbox.sessions())
    assert 20 < made < 100
    code, out, err = survey.run("plan", "-o", "json", "m.yaml")
    assert code == 0, err
    assert json.loads(out)["summary"]["create"] == 100 - made
    survey.finish()
    survey.check()


def test_of_two_invocations_at_once_one_waits(prepared, sandbox):
    """The first is stopped by a signal while it holds the lock, so that no timing decides who waits."""
    survey = Survey(prepared, sandbox, 30)
    sandbox.faults(latency_ms=1000)
    first = survey.apply("--concurrency", "4")
    try:
        sandbox.wait_until(lambda: len(sandbox.sessions()) > 2)
        first.send_signal(signal.SIGSTOP)
        sandbox.faults()
        assert len(sandbox.sessions()) < 30
        code, _, err = survey.run("apply", "--yes")
        assert code == 6
        assert str(first.pid) in err
        patient = survey.apply("--lock-timeout", "60s")
        with pytest.raises(subprocess.TimeoutExpired):
            patient.wait(3)
    finally:
        first.send_signal(signal.SIGCONT)
    assert first.wait(WAIT_S) == 0
    assert patient.wait(WAIT_S) == 0
    for process in (first, patient):
        process.communicate()
    survey.finish()
    survey.check()
