"""A replica counts as failed if it has no other attempt: for `mark --phase failed`, and for the causes in `status`."""

from __future__ import annotations

import signal

import pytest

FAST = ("--settle", "0.5s")
CAUSE = "error: no flat"
FAIL = 'echo "error: no flat"; exit 2\n'


@pytest.fixture
def failed(desk, sandbox):
    """One replica that has failed for good, and 21 that wait for a retry; `status` shows them by entry."""
    (desk.folder / "fail.sh").write_text(FAIL)
    fails = {"cmd": "bash", "args": ["fail.sh"]}
    desk.write(
        {"name": "find", **fails},
        {"name": "tile", "replicas": 21, "retries": 2, "stop_after": 99, "retry_wait": "1h", **fails},
    )
    desk("apply", "--yes", *FAST, check=False)  # the code depends on how many have failed already
    sandbox.wait_idle()
    return desk.apply(code=9)


def recorded(desk):
    return desk.state.get("replicas", ()) if list(desk.folder.glob(".skaha-apply/localhost/*.state.json")) else []


def attempts(desk):
    return {one["name"]: (one["phase"], one.get("attempt", 1)) for one in desk.state["replicas"]}


def test_phase_failed_leaves_retries_alone(desk, failed):
    ended = desk("mark", "rerun", "--phase", "failed", "--yes")
    assert "--phase failed leaves out 21 replicas that will be retried" in ended.err
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


def test_an_interrupt_counts_retries_apart_from_what_has_not_started(desk, sandbox):
    (desk.folder / "fail.sh").write_text(FAIL)
    fails = {"cmd": "bash", "args": ["fail.sh"], "retries": 2, "retry_wait": "1h"}
    desk.write({"name": "tile", "replicas": 2, **fails}, {"name": "sum", "cmd": "true", "needs": ["tile"]})
    process = desk.start("apply", "--yes", *FAST, "--wait", "complete", "--poll", "0.3s")
    sandbox.wait_until(lambda: [row.get("cause") for row in recorded(desk) if row["phase"] == "failed"] == [CAUSE] * 2)
    listed = sandbox.requests(0)["counts"]["GET /session"]
    sandbox.wait_until(lambda: sandbox.requests(0)["counts"]["GET /session"] >= listed + 2)
    process.send_signal(signal.SIGINT)
    ended = desk.finish(process, code=130)
    assert "1 replica is not created yet, and 2 replicas wait for a retry" in ended.err


def test_show_names_a_mark_as_a_reason_to_run_again(desk, failed):
    desk("mark", "rerun", "find", "--yes")
    desk("apply", "--yes", *FAST, "--target", "find", "--wait", "complete", "--poll", "0.3s", check=False)
    assert [one["why"] for one in desk("show", "find", "-o", "json").json["replicas"][0]["attempts"]] == [
        None,
        "marked to run again",
    ]
    manifest = desk.folder / "m.yaml"
    manifest.write_text(manifest.read_text().replace("fail.sh", "other.sh"))
    (desk.folder / "other.sh").write_text(FAIL)
    desk("apply", "--yes", *FAST, "--target", "find", check=False)
    assert [one["why"] for one in desk("show", "find", "-o", "json").json["replicas"][0]["attempts"]] == [
        None,
        "marked to run again",
        "its spec or a dependency changed",
    ]
