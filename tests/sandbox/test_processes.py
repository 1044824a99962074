"""Sessions are real processes: arguments, environment, queue, exit codes, deletes, grandchildren."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest


def _one(sandbox, **parameters):
    reply = sandbox.create(**parameters)
    assert reply.status_code == 200, reply.text
    return reply.text.strip()


def _status(sandbox, identifier):
    reply = sandbox.get(f"/session/{identifier}")
    return reply.json()["status"] if reply.status_code == 200 else reply.status_code


def _log(sandbox, identifier):
    return sandbox.get(f"/session/{identifier}", view="logs").text


def _script(sandbox, name, text):
    path = sandbox.workdir / name
    path.write_text(text)
    return name


def test_session_runs_with_its_own_and_the_platforms_environment(sandbox):
    script = _script(sandbox, "show.py", "import os, sys; print(sys.argv[1:], os.getcwd(), sorted(os.environ.items()))")
    env = ["BAND=r", "HOME=/mine", "skaha_username=me"]
    identifier = _one(sandbox, cmd="python", args=f"{script} a  b", env=env, name="Show", cores="2", ram="4")
    sandbox.wait_idle()
    assert _status(sandbox, identifier) == "Completed"
    log = _log(sandbox, identifier)
    assert "['a', '', 'b']" in log
    assert str(sandbox.workdir) in log
    truth = sandbox.sessions()[0]
    assert truth["argv"] == ["python", script, "a", "", "b"]
    for name, value in {
        "BAND": "r",
        "HOME": str(sandbox.data / "home" / "sandbox"),
        "PWD": str(sandbox.workdir),
        "OMP_NUM_THREADS": "2",
        "skaha_hostname": "127.0.0.1",
        "skaha_username": "sandbox",
        "skaha_sessionid": identifier,
    }.items():
        assert truth["env"][name] == value
        assert f"('{name}', '{value}')" in log
    assert "PYTEST_CURRENT_TEST" not in log


def test_python_is_the_interpreter_that_has_the_packages(sandbox):
    script = _script(sandbox, "which.py", "import sys; print(sys.prefix)")
    identifier = _one(sandbox, cmd="python", args=script)
    sandbox.wait_idle()
    assert _log(sandbox, identifier).strip() == sys.prefix


def test_sessions_above_the_limit_wait_in_order(sandbox):
    sandbox.settings(slots=2)
    script = _script(sandbox, "wait.sh", 'while [ ! -e "go-$1" ]; do sleep 0.02; done; echo "$1" >> order\n')
    ids = [_one(sandbox, cmd="bash", args=f"{script} {number}", name=f"w-{number}") for number in range(5)]
    sandbox.wait_until(lambda: [_status(sandbox, one) for one in ids[:2]] == ["Running", "Running"])
    assert [_status(sandbox, one) for one in ids[2:]] == ["Pending"] * 3
    waiting = sandbox.get(f"/session/{ids[4]}").json()
    assert "startTime" not in waiting
    assert "expiryTime" not in waiting
    for number in range(5):
        (sandbox.workdir / f"go-{number}").touch()
        sandbox.wait_until(lambda number=number: _status(sandbox, ids[number]) == "Completed")
    assert (sandbox.workdir / "order").read_text().split() == list("01234")
    assert sandbox.status()["most_running"] == 2
    assert sandbox.status()["most_active"] == 5


@pytest.mark.parametrize(("code", "status"), [(0, "Completed"), (3, "Failed")])
def test_status_follows_the_exit_code(sandbox, code, status):
    script = _script(sandbox, "exit.sh", f"exit {code}\n")
    identifier = _one(sandbox, cmd="bash", args=script)
    sandbox.wait_idle()
    assert _status(sandbox, identifier) == status
    assert sandbox.sessions()[0]["exit_code"] == code


@pytest.mark.parametrize(
    ("cmd", "reason"),
    [
        ("no-such-program", 'exec: "no-such-program": executable file not found in $PATH'),
        ("bash -c", 'exec: "bash -c": executable file not found in $PATH'),
        ("./none.sh", 'exec: "./none.sh": stat ./none.sh: no such file or directory'),
        ("./plain.txt", 'exec: "./plain.txt": permission denied'),
    ],
)
def test_program_that_cannot_start_fails_with_an_event(sandbox, cmd, reason):
    _script(sandbox, "plain.txt", "text")
    identifier = _one(sandbox, cmd=cmd)
    sandbox.wait_until(lambda: _status(sandbox, identifier) == "Failed")
    events = sandbox.get(f"/session/{identifier}", view="events").text
    assert reason in events
    assert events.startswith("TYPE ")
    assert _log(sandbox, identifier) == ""


def test_without_cmd_the_default_command_is_a_line_and_success(sandbox):
    identifier = _one(sandbox)
    sandbox.wait_idle()
    assert _status(sandbox, identifier) == "Completed"
    assert "default command of images.canfar.net/skaha/astroml:24.07" in _log(sandbox, identifier)


def test_deleting_ends_the_whole_group_even_when_it_ignores_sigterm(sandbox):
    sandbox.settings(grace=0.3)
    script = _script(
        sandbox,
        "stubborn.sh",
        "trap '' TERM\n(trap '' TERM; echo $BASHPID > grandchild; while :; do sleep 0.1; done) &\n"
        "echo $$ > leader\nwhile :; do sleep 0.1; done\n",
    )
    identifier = _one(sandbox, cmd="bash", args=script)
    files = [sandbox.workdir / name for name in ("leader", "grandchild")]
    sandbox.wait_until(lambda: all(path.exists() and path.read_text().strip() for path in files))
    pids = [int(path.read_text()) for path in files]
    assert all(psutil.pid_exists(pid) for pid in pids)
    assert sandbox.delete(identifier).status_code == 200
    assert sandbox.get().json() == []
    assert _status(sandbox, identifier) == 404
    assert sandbox.get(f"/session/{identifier}", view="events").status_code == 200
    assert sandbox.status()["active"] == 1
    sandbox.wait_until(lambda: sandbox.get(f"/session/{identifier}", view="events").status_code == 404)
    assert sandbox.status()["active"] == 0
    sandbox.wait_until(lambda: not any(_lives(pid) for pid in pids))
    assert _log(sandbox, identifier) == ""


def _lives(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_grandchildren_end_with_their_leader(sandbox):
    script = _script(sandbox, "leave.sh", "sleep 600 & echo $! > left; exit 0\n")
    identifier = _one(sandbox, cmd="bash", args=script)
    sandbox.wait_idle()
    assert _status(sandbox, identifier) == "Completed"
    left = int((sandbox.workdir / "left").read_text())
    sandbox.wait_until(lambda: not _lives(left))


def test_deleting_a_queued_session_leaves_nothing(sandbox):
    sandbox.settings(slots=1)
    first = _one(sandbox, cmd="sleep", args="600")
    second = _one(sandbox, cmd="touch", args="never")
    assert _status(sandbox, second) == "Pending"
    assert sandbox.get(f"/session/{second}", view="events").status_code == 404
    sandbox.delete(second)
    assert sandbox.get(f"/session/{second}", view="events").status_code == 404
    sandbox.delete(first)
    sandbox.wait_idle()
    assert not Path(sandbox.workdir, "never").exists()


def test_interactive_sessions_run_a_stand_in_and_take_no_slot(sandbox):
    sandbox.settings(slots=1)
    image = "images.canfar.net/skaha/base-notebook:latest"
    identifier = _one(sandbox, type="Notebook", image=image, name="desk")
    shown = sandbox.get(f"/session/{identifier}").json()
    assert shown["status"] == "Running"
    assert shown["type"] == "notebook"
    assert shown["isFixedResources"] is False
    assert "requestedRAM" not in shown
    assert shown["connectURL"].startswith(sandbox.origin)
    assert sandbox.http.get(shown["connectURL"]).status_code == 200
    pid = sandbox.sessions()[0]["pid"]
    assert os.getpgid(pid) == pid
    batch = _one(sandbox, cmd="true")
    sandbox.wait_until(lambda: _status(sandbox, batch) == "Completed")
    sandbox.delete(identifier)
    sandbox.wait_idle()


def test_a_burst_of_short_sessions_loses_none(sandbox):
    ids = [_one(sandbox, cmd="true", name=f"burst-{number}") for number in range(300)]
    sandbox.wait_idle()
    listed = sandbox.get().json()
    assert {one["id"] for one in listed} == set(ids)
    assert {one["status"] for one in listed} == {"Completed"}
    assert [one["id"] for one in listed] == sorted(ids)
