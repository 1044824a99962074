"""A fork of the prepared process behaves as a fresh interpreter: streams, exit codes, signals, terminals, folders."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
import subprocess

import pytest
from prepared_process import Forked

MANIFEST = """\
version: 1
project: survey
sessions:
  - {name: reduce, image: "images.canfar.net/skaha/astroml:24.07", replicas: 2, cmd: sleep, args: ["600"]}
"""
# Prints what a command can see of its process: signals, streams, words, folder, environment, descriptors, warnings.
LOOK = """\
import gc, json, os, resource, signal, sys, threading, warnings
streams = (sys.stdin, sys.stdout, sys.stderr)
seen = {
    "name": __name__,
    "words": sys.argv[1:],
    "folder": os.getcwd(),
    "environment": dict(os.environ),
    "signals": [str(signal.getsignal(one)) for one in sorted(signal.valid_signals())],
    "wakeup": signal.set_wakeup_fd(-1),
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    "streams": [
        (one.fileno(), one.isatty(), one.line_buffering, one.write_through, one.encoding, one.errors, one.newlines)
        for one in streams
    ],
    "originals": [one is two for one, two in zip(streams, (sys.__stdin__, sys.__stdout__, sys.__stderr__))],
    "descriptors": [number for number in range(64) if os.path.exists(f"/dev/fd/{number}")],
    "threads": threading.active_count(),
    "warnings": [one[2].__name__ for one in warnings.filters if one[0] == "error"],
    "limits": [resource.getrlimit(one) for one in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE)],
    "leads": os.getsid(0) == os.getpid(),
}
print(json.dumps(seen))
"""
FRESH = {"preexec_fn": lambda: None}  # cannot be sent to another process, so it asks for an interpreter


@pytest.fixture
def call(prepared, tmp_path):
    (tmp_path / "m.yaml").write_text(MANIFEST)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
    env = {**kept, "HOME": str(tmp_path), "TERM": "xterm"}

    def run(*words, how="run", env=env, **given):
        return getattr(prepared, how)(words, cwd=tmp_path, env=env, **given)

    run.env = env
    return run


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["plan", "--offline", "m.yaml", "--detailed-exitcode", "-o", "json"], {}),
        (["plan", "--offline", "-"], {"input": MANIFEST.encode(), "text": False}),
        (["lint", "absent.yaml"], {}),
    ],
)
def test_a_fork_ends_as_a_fresh_interpreter_does(call, words, given):
    fork, fresh = call(*words, **given), call(*words, **given, **FRESH)
    assert (fork.returncode, fork.stdout, fork.stderr) == (fresh.returncode, fresh.stdout, fresh.stderr)


@pytest.fixture
def look(call, tmp_path):
    """What a script sees in a fork, and in a fresh interpreter; the words of `call` may follow."""
    script = tmp_path / "look.py"
    script.write_text(LOOK)
    alone = {name: value for name, value in call.env.items() if name not in ("PATH", "HOME")}

    def both(**given):
        found = []
        for how in ({}, FRESH):
            process = call("a b", "", "é", how="start", env=alone, script=script, **streams(given), **how)
            assert isinstance(process, subprocess.Popen if how else Forked)
            found.append(json.loads(process.communicate(timeout=60)[0]))
        return found

    def streams(given):
        return {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | given

    return both


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"start_new_session": True},
        {"warn": ["error::ResourceWarning"]},
        {"limits": {resource.RLIMIT_AS: 700 << 20, resource.RLIMIT_FSIZE: 500}},
    ],
)
def test_a_script_sees_the_same_process(look, given):
    fork, fresh = look(**given)
    assert fork == fresh


def test_a_script_sees_the_same_terminal(look):
    ours, theirs = pty.openpty()
    fork, fresh = look(stdin=theirs, stderr=theirs)
    os.close(theirs)
    os.close(ours)
    assert fork == fresh
    assert [stream[1] for stream in fork["streams"]] == [True, False, True]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 130), (signal.SIGINT, 130), (signal.SIGHUP, 130), (signal.SIGKILL, -9)]
)
def test_a_signal_reaches_it(call, sandbox, number, code):
    env = {**call.env, "SKAHA_URL": sandbox.url, "SKAHA_TOKEN": sandbox.token}
    sandbox.faults(latency_ms=5_000)
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = call("plan", "m.yaml", how="start", env=env, **streams)
    assert isinstance(process, Forked)
    sandbox.wait_until(lambda: sandbox.requests()["requests"])
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0)
    assert process.poll() is None
    process.send_signal(number)
    _, printed = process.communicate(timeout=60)
    assert process.returncode == code
    assert ("interrupted" in printed) == (code == 130)
    assert "Traceback" not in printed


@pytest.mark.parametrize("fresh", [{}, FRESH], ids=["fork", "fresh"])
def test_a_terminal_is_one(call, fresh):
    ours, theirs = pty.openpty()
    process = call("plan", "--unknown", how="start", stdin=theirs, stdout=theirs, stderr=theirs, **fresh)
    os.close(theirs)
    assert isinstance(process, subprocess.Popen if fresh else Forked)
    assert process.wait(60) == 4
    assert b"\x1b[1;31merror:" in os.read(ours, 65536)
    os.close(ours)


@pytest.mark.parametrize("fresh", [{}, FRESH], ids=["fork", "fresh"])
def test_a_closed_pipe_is_noticed(call, fresh):
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = call("plan", "--offline", "m.yaml", "-o", "json", how="start", **streams, **fresh)
    process.stdout.close()
    assert "Traceback" not in process.communicate(timeout=60)[1]
    assert process.returncode == 0


def test_forks_run_at_the_same_time_with_their_own_environment(call):
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    waiting = call("plan", "--offline", "-", how="start", **streams)
    for folder in ("first", "second"):
        env = {**call.env, "XDG_CONFIG_HOME": folder, "SKAHA_URL": f"https://{folder}.example.org/skaha"}
        assert f"{folder}.example.org" in call("plan", "--offline", "m.yaml", "-o", "json", env=env).stdout
    assert waiting.poll() is None
    out, _ = waiting.communicate(MANIFEST, timeout=60)
    assert "2 to create" in out
