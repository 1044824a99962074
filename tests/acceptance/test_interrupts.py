"""Ctrl-C, SIGTERM and SIGHUP in the middle of a hundred creates: nothing is lost, nothing is created twice."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import termios

import pytest

NAMES = sorted(f"reduce-{replica}" for replica in range(1, 101))
SLOW = {"latency_ms": [20, 400], "only": ["POST /session"]}
# A few creates take effect, and their answers never come.
LOST = {"latency_ms": 50, "script": [{"match": {"method": "POST"}, "nth": 20, "times": 5, "fault": "hang_after"}]}


def _hears_hangups():
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # these tests themselves might run under nohup


@pytest.mark.parametrize(
    ("number", "faults", "lost"),
    [(signal.SIGINT, SLOW, 0), (signal.SIGTERM, SLOW, 0), (signal.SIGHUP, SLOW, 0), (signal.SIGINT, LOST, 5)],
    ids=["SIGINT", "SIGTERM", "SIGHUP", "answers-lost"],
)
def test_a_signal_among_the_creates(desk, sandbox, number, faults, lost):
    desk.write({"name": "reduce", "replicas": 100, "cmd": "sleep", "args": ["600"]})
    sandbox.faults(**faults)
    process = desk.start("apply", "--yes", "--settle", "0.5s", "--concurrency", "8", preexec_fn=_hears_hangups)
    sandbox.wait_until(lambda: sandbox.requests(0)["counts"].get("POST /session", 0) >= 30)
    process.send_signal(number)
    ended = desk.finish(process, code=130, limit=20)  # 7 s are promised, and the machine may be slow
    assert "interrupted" in ended.err
    made = len(desk.live())
    assert 30 <= made < 100
    assert len(desk.state.get("intents", [])) >= lost
    sandbox.faults()

    # the state is whole: the next plan knows what is there, and asks for the rest
    plan = desk.plan()
    kinds = {kind: count for kind, count in plan["summary"].items() if count}
    assert kinds.pop("create") == 100 - made
    assert kinds.pop("unchanged") == made - lost
    assert sum(kinds.values()) == lost  # waiting for a list to decide, or found
    desk.apply()
    assert sorted(desk.live()) == NAMES
    assert len(sandbox.sessions()) == 100
    assert desk.plan()["has_changes"] is False


def test_a_second_ctrl_c_ends_at_once(desk, sandbox):
    desk.write({"name": "reduce", "replicas": 20, "cmd": "sleep", "args": ["600"]})
    sandbox.faults(only=["POST /session"], script=[{"nth": 2, "times": 100, "fault": "hang"}])
    process = desk.start("apply", "--yes")
    sandbox.wait_until(lambda: sandbox.requests(0)["counts"].get("POST /session", 0) >= 3)
    process.send_signal(signal.SIGINT)
    sandbox.wait_until(lambda: process.poll() is not None or process.send_signal(signal.SIGINT), 4)
    desk.finish(process, code=130, check=False)
    sandbox.faults()
    desk.apply()
    assert len(desk.live()) == 20
    assert len(sandbox.sessions()) == 20


def test_ctrl_c_in_a_wait_keeps_what_runs(desk, sandbox):
    desk.write({"name": "long", "replicas": 2, "cmd": "sleep", "args": ["600"]})
    process = desk.start("apply", "--yes", "--wait", "complete", "--poll", "0.3s")
    sandbox.wait_until(lambda: sandbox.requests(0)["counts"].get("GET /session", 0) >= 6)
    process.send_signal(signal.SIGINT)
    desk.finish(process, code=130)
    assert len(desk.live()) == 2
    assert desk.plan()["has_changes"] is False


MANY = {"name": "reduce", "replicas": 40, "cmd": "sleep", "args": ["600"]}


def test_a_terminal_that_closes_ends_it_in_order(desk, sandbox):
    """The kernel sends SIGHUP, and every write to the terminal fails from then on."""
    desk.write(MANY)
    sandbox.faults(**SLOW)
    ours, theirs = pty.openpty()

    def take_terminal():
        _hears_hangups()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    terminal = {"stdin": theirs, "stdout": theirs, "stderr": theirs, "start_new_session": True}
    process = desk.start("apply", "--yes", "--concurrency", "4", **terminal, preexec_fn=take_terminal)
    os.close(theirs)
    sandbox.wait_until(lambda: sandbox.requests(0)["counts"].get("POST /session", 0) >= 8)
    os.close(ours)
    desk.finish(process, code=130, limit=20)
    made = len(desk.live())
    assert 8 <= made < 40
    assert sum("id" in record for record in desk.state["replicas"]) == made
    assert not desk.state.get("intents")


def test_nohup_continues_after_a_hangup(desk, sandbox):
    desk.write(MANY)
    sandbox.faults(latency_ms=100, only=["POST /session"])
    ignored = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    process = desk.start("apply", "--yes", "--settle", "0.5s", "--concurrency", "4", **ignored)
    sandbox.wait_until(lambda: sandbox.requests(0)["counts"].get("POST /session", 0) >= 4)
    process.send_signal(signal.SIGHUP)
    desk.finish(process)
    assert len(desk.live()) == 40


@pytest.mark.parametrize(
    "words",
    [("status", "--watch", "--poll", "0.3s"), ("destroy", "--yes"), ("refresh",)],
    ids=lambda words: words[0],
)
def test_other_commands_end_in_order_on_sighup(desk, sandbox, words):
    desk.write({**MANY, "replicas": 2})
    desk.apply()
    sandbox.forget_requests()
    sandbox.faults(latency_ms=1000)
    process = desk.start(*words, preexec_fn=_hears_hangups)
    sandbox.wait_until(lambda: sandbox.requests(0)["counts"].get("GET /session", 0) >= 1)
    process.send_signal(signal.SIGHUP)
    ended = desk.finish(process, code=130, limit=20)
    assert "interrupted" in ended.err
    sandbox.faults()
    assert len(desk.live()) == 2
    assert desk.plan()["has_changes"] is False
