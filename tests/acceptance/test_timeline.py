"""`status --timeline FILE`: a picture of a run with a retry, drawn from the state."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("matplotlib", reason="the extra `plot` is not installed")


def test_a_run_with_a_retry_as_a_picture(desk):
    desk.script('[ "$REPLICA_ID" = 1 ] || [ "$SKAHA_APPLY_ATTEMPT" = 2 ]\n')
    desk.write(
        {"name": "tile", "replicas": 2, "cmd": "bash", "args": ["run.sh"], "retries": 1, "retry_wait": "1s"},
        {"name": "desk", "kind": "notebook"},
    )
    desk.apply("--wait", "complete", "--poll", "0.3s")
    shown = desk("status", "--timeline", "run.svg").out
    assert "tile-2" in shown
    svg = (desk.folder / "run.svg").read_text()
    texts = set(re.findall(r"<!-- (.*?) -->", svg))
    assert {"tile-1", "tile-2", "desk", "failed", "done", "running", "time (UTC)"} <= texts
    assert "1 running, 2 done, 1 with more than one attempt" in texts
    # long after the server has forgotten it all
    desk.sandbox.clock(30 * 86400)
    desk("status", "--timeline", "later.PNG")
    assert (desk.folder / "later.PNG").read_bytes().startswith(b"\x89PNG")


def test_without_a_server_the_picture_is_the_one_of_the_state(desk):
    desk.write({"name": "tile", "replicas": 2, "cmd": "true"}, {"name": "desk", "kind": "notebook"})
    desk.apply("--wait", "complete", "--poll", "0.3s")
    written = f"{desk.state['written'][:19]}Z"
    serial = desk.state["serial"]
    away = {"SKAHA_URL": "http://127.0.0.1:9/skaha/v1", "SKAHA_APPLY_RETRY_TIME": "1s"}
    shown = desk("status", "--timeline", "run.svg", **away)
    assert "warning: " in shown.err
    assert f"the server was not asked, and this is the state of {written}" in " ".join(shown.err.split())
    assert "tile-2" in shown.out
    svg = (desk.folder / "run.svg").read_text()
    texts = set(re.findall(r"<!-- (.*?) -->", svg))
    assert {"tile-1", "tile-2", "desk", "done", "running", "1 running, 2 done"} <= texts
    assert f"survey: 3 replicas (the state of {written}; the server was not asked)" in texts
    assert desk("status", "--timeline", "run.svg", "-o", "json", **away).json["offline"]
    assert desk.state["serial"] == serial
    # scripts get the error, and a status without a picture too
    for words in (["--timeline", "run.svg", "--exit-code"], []):
        assert desk("status", *words, code=1, **away).err.startswith("error: ")


def test_picture_of_an_unknown_format_or_at_an_unwritable_path(desk, one_line):
    desk.write({"name": "tile", "cmd": "true"})
    desk.sandbox.forget_requests()
    one_line(desk("status", "--timeline", "run.pdf", code=4), r"run\.pdf: a picture must be a \.png or \.svg file")
    assert desk.sandbox.requests()["total"] == 0
    missing = desk("status", "--timeline", "no/run.png", code=1)
    assert missing.err.startswith("error: cannot write the picture no/run.png: No such file")
