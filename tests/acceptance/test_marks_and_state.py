"""`mark` resolves what no listing shows; `state` shows, unlocks, forgets and renames; the lock excludes others."""

from __future__ import annotations

import json
import signal

import pytest

SLEEP = {"name": "tile", "replicas": 4, "cmd": "sleep", "args": ["600"]}


def phases(desk):
    return [row["phase"] for row in desk("status", "-o", "json").json["sessions"]]


def test_complete_brings_finished_work_along(desk):
    desk.write(SLEEP)
    listed = "# tiles that were done before\ntile/1-2\n\ntile-3\n"
    assert "terminal" in desk("mark", "complete", "--from", "-", stdin=listed, code=4).err
    desk("mark", "complete", "--from", "-", "--yes", stdin=listed)
    assert desk.plan()["summary"] | {"create": 1, "done": 3} == desk.plan()["summary"]
    desk.apply()
    assert sorted(desk.live()) == ["tile-4"]


def test_rerun_hold_and_what_is_active(desk, sandbox):
    desk.write(SLEEP)
    desk.apply()
    before = desk.live()
    ended = desk("mark", "complete", "tile/1", "--yes", code=4)
    assert "active" in ended.err
    assert "--force" in ended.err
    assert desk.live() == before
    # a hold deletes the sessions, and they are not created until they are marked for a rerun
    desk("mark", "hold", "tile/1-2", "--yes")
    desk.apply()
    assert sorted(desk.live()) == ["tile-3", "tile-4"]
    assert phases(desk)[:2] == ["held", "held"]
    desk("mark", "rerun", "tile/2", "--yes")
    desk.apply()
    assert sorted(desk.live()) == ["tile-2", "tile-3", "tile-4"]
    desk("mark", "complete", "tile/3", "--force", "--yes")
    assert sorted(desk.live()) == ["tile-2", "tile-4"]
    assert desk.plan("--all")["actions"][2]["action"] == "done"
    # --phase chooses among them
    desk("mark", "rerun", "--phase", "done", "--yes")
    desk.apply()
    assert sorted(desk.live()) == ["tile-2", "tile-3", "tile-4"]
    assert "nothing to mark" in desk("mark", "rerun", "--phase", "failed", "--yes").err


def test_a_second_time_there_is_nothing_to_do_and_that_is_success(desk):
    desk.write({"name": "a", "cmd": "true"}, {"name": "b", "cmd": "true"})
    desk.apply("--wait", "complete", "--poll", "0.3s", "--target", "a")
    for verb, name, words in (
        ("complete", "a", "already done: a"),
        ("hold", "b", "already on hold or done: b"),
        ("rerun", "a", "already due to run: a"),
    ):
        desk("mark", verb, name, "--yes")
        before = desk.state
        assert words in desk("mark", verb, name).err  # without a question
        assert desk.state["replicas"] == before["replicas"]
    assert "no replica of survey matches" in desk("mark", "complete", "no-such", "--yes", code=4).err
    assert "forgot a\n" in desk("state", "forget", "a").out
    assert "nothing to forget" in desk("state", "forget", "a").err
    assert "Nothing to delete" in desk("destroy").out


def test_logs_of_what_has_none_is_an_error_and_an_empty_one_is_not(desk):
    desk.write({"name": "quiet", "cmd": "true"}, {"name": "never", "cmd": "true"})
    desk.apply("--wait", "complete", "--poll", "0.3s", "--target", "quiet")
    assert "the log is empty" in desk("logs", "quiet").err
    desk("mark", "complete", "never", "--yes")
    for command in ("logs", "events"):
        assert "found on the server, and no saved copy" in desk(command, "never", code=1).err


def test_state_is_shown_forgotten_and_renamed(desk):
    desk.write(SLEEP)
    assert "no state" in desk("state", "show", code=1).err
    desk.apply()
    shown = desk("state", "show").json
    assert (shown["project"], shown["account"], len(shown["replicas"])) == ("survey", "sandbox", 4)
    live = desk.live()
    # a session is renamed, then the project, and nothing runs again
    desk("state", "mv", "tile", "field")
    desk.write({**SLEEP, "name": "field"})
    assert desk.plan()["has_changes"] is False
    desk("state", "mv", "survey", "atlas")
    desk.write({**SLEEP, "name": "field"}, project="atlas")
    assert desk.plan()["has_changes"] is False
    assert desk.live() == live
    # a session without a record is unmanaged from then on
    assert "forgot" in desk("state", "forget", "field/1").out
    (action,) = desk.plan()["actions"]
    assert action["action"] in ("create", "conflict")
    assert len(desk.live()) == 4
    assert "nothing to forget" in desk("state", "forget", "no-such").err


@pytest.fixture
def lock_owner(desk, sandbox):
    """A real process that has the lock: an apply whose create gets no response."""
    desk.write(SLEEP)
    sandbox.faults(only=["POST /session"], script=[{"nth": 1, "times": 100, "fault": "hang"}])
    process = desk.start("apply", "--yes")
    sandbox.wait_until(lambda: sandbox.requests(0)["counts"].get("POST /session", 0) >= 1)
    yield process
    process.kill()
    process.communicate()


def test_lock_names_its_owner_and_is_free_when_the_owner_dies(desk, sandbox, lock_owner):
    for words in (["apply", "--yes"], ["destroy", "--yes"], ["refresh"], ["mark", "hold", "tile", "--yes"]):
        ended = desk(*words, code=6)
        assert str(lock_owner.pid) in ended.err
        assert "apply" in ended.err
    (lock,) = desk.folder.glob(".skaha-apply/localhost/*.lock")
    lock_id = json.loads(lock.read_text())["ID"]
    assert "cannot be broken" in desk("state", "unlock", lock_id, code=1).err
    assert desk.plan()["actions"]  # plan needs no lock
    lock_owner.send_signal(signal.SIGKILL)
    lock_owner.wait()
    sandbox.faults()
    desk.apply()
    assert len(desk.live()) == 4
    assert len(sandbox.sessions()) == 4
