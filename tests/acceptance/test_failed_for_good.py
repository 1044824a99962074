"""A replica counts as failed if it has no other attempt: for `mark --phase failed`, and for the causes in `status`."""

from __future__ import annotations

import pytest

FAIL = 'echo "error: no flat"; exit 2\n'


@pytest.fixture
def failed(desk):
    """One replica that has failed for good, and 21 that wait for a retry; `status` shows them by entry."""
    (desk.folder / "fail.sh").write_text(FAIL)
    fails = {"cmd": "bash", "args": ["fail.sh"]}
    desk.write(
        {"name": "find", **fails},
        {"name": "tile", "replicas": 21, "retries": 2, "stop_after": 99, "retry_wait": "1h", **fails},
    )
    return desk.apply("--wait", "complete", "--poll", "0.3s", "--timeout", "5s", code=10)


def attempts(desk):
    return {one["name"]: (one["phase"], one.get("attempt", 1)) for one in desk.state["replicas"]}


def test_phase_failed_leaves_retries_alone(desk, failed):
    ended = desk("mark", "rerun", "--phase", "failed", "--yes")
    assert "--phase failed leaves out 21 replicas with another attempt" in ended.err
    assert ended.out.count("rerun  ") == 1
    found = attempts(desk)
    assert found.pop("find") == ("due", 1)
    assert set(found.values()) == {("failed", 1)}
    assert "--phase selects no replica" in desk("mark", "rerun", "--phase", "failed", "--yes").err
    desk("mark", "rerun", "tile/1", "--yes")  # by its name it can be marked
    assert attempts(desk)["tile-1"][0] == "due"


def test_causes_state_how_many_are_retried(desk, failed):
    line = "22 failed, 21 of them are retried: error: no flat (find and 21 more)"
    assert line in failed.out
    assert line in desk("status").out


def test_phase_failed_selects_what_a_failure_limit_stopped(desk):
    (desk.folder / "fail.sh").write_text(FAIL)
    desk.write({"name": "tile", "replicas": 2, "retries": 2, "stop_after": 2, "cmd": "bash", "args": ["fail.sh"]})
    desk.apply("--wait", "complete", "--poll", "0.3s", code=9)
    marked = desk("mark", "rerun", "tile", "--phase", "failed", "--yes")
    assert "another attempt" not in marked.err
    assert set(attempts(desk).values()) == {("due", 1)}
