"""Finished work stays recorded, however long ago the listing dropped it."""

from __future__ import annotations

TRUE = {"name": "reduce", "replicas": 20, "cores": 2, "ram": 8, "cmd": "true"}


def test_two_days_later_everything_is_done_and_nothing_is_created(desk, sandbox):
    desk.write(TRUE)
    desk.apply("--wait", "complete", "--poll", "0.3s")
    sandbox.clock(2 * 86400)
    assert desk.live() == {}
    plan = desk.plan("--all")
    assert plan["has_changes"] is False
    assert [action["action"] for action in plan["actions"]] == ["done"] * 20
    sandbox.forget_requests()
    assert "20 done" in desk.apply().out
    assert desk.writes() == {}

    # more memory runs no finished work again; other arguments do
    desk.write({**TRUE, "ram": 16, "cores": 4})
    assert desk.plan()["summary"]["done"] == 20
    desk.apply()
    assert desk.writes() == {}
    desk.write({**TRUE, "args": ["again"]})
    text = desk("plan").out
    assert "20 to replace" in text
    assert "20 finished replicas would be computed again" in text

    # and what is cut from the manifest by accident, and put back, is done
    desk.write({**TRUE, "name": "other", "replicas": 1})
    desk.apply()
    desk.write(TRUE)
    assert desk.plan()["summary"]["done"] == 20


def test_session_that_ended_unseen_is_unknown_until_it_is_marked(desk, sandbox):
    desk.write({**TRUE, "replicas": 2, "cmd": "sleep", "args": ["600"]})
    desk.apply()
    for row in desk.live().values():
        sandbox.expire(row["id"])
    sandbox.clock(2 * 86400)
    # nothing is listed now: that the credential is still the same must be known from the one pass there was
    ended = desk.apply(code=9)
    assert "2 unknown" in ended.out
    assert desk.live() == {}
    desk("mark", "rerun", "reduce", "--phase", "unknown", "--yes")
    desk.apply()
    assert sorted(desk.live()) == ["reduce-1", "reduce-2"]


def test_a_manifest_that_an_ignore_file_lists_loses_no_session(desk, sandbox):
    desk.write({"name": "mine", "cmd": "sleep", "args": ["600"]}, name="mine.yaml")
    desk.write({"name": "theirs", "cmd": "sleep", "args": ["600"]}, name="theirs.yaml")
    desk.apply()
    (desk.folder / ".skaha-apply-ignore").write_text("theirs.yaml\n")
    assert not desk.plan()["has_changes"]
    desk.apply()
    assert len(sandbox.sessions()) == 2
