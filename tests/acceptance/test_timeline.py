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


def test_picture_of_an_unknown_format_or_at_an_unwritable_path(desk, one_line):
    desk.write({"name": "tile", "cmd": "true"})
    desk.sandbox.forget_requests()
    one_line(desk("status", "--timeline", "run.pdf", code=4), r"run\.pdf: a picture must be a \.png or \.svg file")
    assert desk.sandbox.requests()["total"] == 0
    missing = desk("status", "--timeline", "no/run.png", code=1)
    assert missing.err.startswith("error: cannot write the picture no/run.png: No such file")
