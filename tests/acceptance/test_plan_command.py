"""`plan` observes and changes nothing; a saved plan is applied exactly, or not at all."""

from __future__ import annotations

import json
import os

import pytest

SLEEP = {"name": "reduce", "replicas": 3, "cmd": "sleep", "args": ["600"]}


def test_plan_takes_no_lock_and_writes_nothing(desk, sandbox):
    desk.write(SLEEP)
    before = desk.files()
    desk("plan")
    assert desk.files() == before
    assert desk("plan", "--detailed-exitcode", code=2).code == 2
    assert desk("plan", code=0).code == 0
    assert desk.files() == before
    desk.apply()
    before = desk.files()
    # while an apply holds the lock, and waits, plan and status still work
    waiting = desk.start("apply", "--yes", "--wait", "complete", "--poll", "0.05s", "--settle", "0.5s")
    try:
        sandbox.forget_requests()
        sandbox.wait_until(lambda: sandbox.requests(0)["counts"].get("GET /session", 0) >= 3)
        for _ in range(2):
            assert desk("plan", "--detailed-exitcode").code == 0
            desk("status")
    finally:
        waiting.terminate()
        waiting.communicate()
    sandbox.delete(desk.live()["reduce-2"]["id"])
    before = desk.files()
    assert desk.plan("--detailed-exitcode", code=2)["summary"]["create"] == 1
    assert desk.files() == before
    assert desk.writes().get("POST") is None


def test_plan_works_where_nothing_may_be_written(desk):
    desk.write(SLEEP)
    desk.apply()
    folder = desk.state_path.parent
    for path in (desk.folder, folder, desk.state_path):
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        assert desk.plan()["has_changes"] is False
        desk("status")
        if os.geteuid() != 0:  # nothing stops root from writing
            assert "cannot" in desk.apply(code=1).err
    finally:
        for path in (desk.folder, folder, desk.state_path):
            path.chmod(path.stat().st_mode | 0o200)


def test_a_saved_plan_is_applied_without_a_question(desk):
    desk.write(SLEEP)
    ended = desk("plan", "--out", "plan.bin", "--target", "reduce/1-2")
    assert "2 to create" in ended.out
    assert desk("plan", "--out", "plan.bin", "--target", "reduce/1-2", "--detailed-exitcode", code=2).code == 2
    assert desk.sandbox.token not in (desk.folder / "plan.bin").read_text()
    desk("apply", "plan.bin", *("--settle", "0.5s"))
    assert sorted(desk.live()) == ["reduce-1", "reduce-2"]
    # what it covers is there by now: nothing is left to do, and nothing is done twice
    desk("apply", "plan.bin")
    assert desk.writes() == {"POST": 2}
    assert "already decides --target" in desk("apply", "plan.bin", "--target", "reduce/3", code=4).err


@pytest.mark.parametrize("name", ["survey.yaml", "plan.bin"])
def test_a_pipe_is_neither_a_plan_nor_a_manifest(desk, name):
    os.mkfifo(desk.folder / name)
    assert f"{name}:1:1: error: not a regular file" in desk("apply", name, "--yes", code=1).err


def test_stale_plan_prints_the_differences_and_changes_nothing(desk):
    desk.write(SLEEP)
    desk.apply()
    desk.write({**SLEEP, "args": ["601"]})
    desk("plan", "--out", "plan.bin")
    desk.write({**SLEEP, "args": ["602"]})
    before, live = desk.files(), desk.live()
    ended = desk("apply", "plan.bin", code=5)
    assert "stale" in ended.err
    assert "reduce" in ended.err
    assert desk.live() == live
    assert desk.writes() == {"POST": 3}
    assert {name for name, text in desk.files().items() if before.get(name) != text} <= {
        ".skaha-apply/localhost/survey.state.json"
    }
    # a session deleted by hand meanwhile is another plan, too; one that ended is not
    desk.write({**SLEEP, "args": ["601"]})
    desk("apply", "plan.bin", "--settle", "0.5s")
    assert desk.plan()["has_changes"] is False


def test_target_and_exclude_limit_what_is_done(desk):
    other = {"name": "other", "cmd": "sleep", "args": ["600"]}
    desk.write(SLEEP, other)
    names = [action["name"] for action in desk.plan("--target", "reduce/2", "--target", "other")["actions"]]
    assert names == ["reduce-2", "other"]
    desk.apply("--exclude", "reduce/2-3")
    assert sorted(desk.live()) == ["other", "reduce-1"]
    # with a target, a removed manifest line deletes nothing
    desk.write(SLEEP)
    desk.apply("--target", "reduce/2")
    assert sorted(desk.live()) == ["other", "reduce-1", "reduce-2"]
    desk("destroy", "--yes", "--target", "reduce/1")
    assert sorted(desk.live()) == ["other", "reduce-2"]


def test_report_files_are_written_in_addition(desk):
    desk.write(SLEEP)
    desk("plan", "--report", "markdown=plan.md", "--report", "json=plan.json")
    assert "reduce" in (desk.folder / "plan.md").read_text()
    assert json.loads((desk.folder / "plan.json").read_text())["summary"]["create"] == 3


def test_target_without_a_match_is_an_error(desk, sandbox):
    desk.write(SLEEP)
    for command in (("plan",), ("apply", "--yes"), ("destroy", "--yes")):
        ended = desk(*command, "--target", "redcue", code=4)
        assert "'redcue' matches no replica of survey" in ended.err
        assert "there are: reduce" in ended.err
    assert "'reduce/9' matches no replica" in desk("plan", "--exclude", "reduce/9", code=4).err
    assert desk.writes().get("POST") is None
