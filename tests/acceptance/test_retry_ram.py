"""`retry_ram`: a replica that ran out of memory starts again with more, and every command shows how much."""

from __future__ import annotations

GREEDY = 'test "$SKAHA_APPLY_ATTEMPT" = 3 && exit 0; kill -9 $$\n'


def test_each_attempt_requests_more_memory_and_the_reasons_state_why(desk, sandbox):
    (desk.folder / "greedy.sh").write_text(GREEDY)
    reduce = {"name": "reduce", "cmd": "bash", "args": ["greedy.sh"], "cores": 1, "ram": 8, "retries": 3}
    desk.write({**reduce, "retry_wait": "1s", "retry_ram": [16, 32]})
    ended = desk.apply("--wait", "complete", "--poll", "0.3s")
    assert "attempt 2 of 4 with 16 GB: attempt 1 was killed because it ran out of memory" in ended.err
    assert [one["ram"] for one in sandbox.sessions()] == [8, 16, 32]
    record = desk.state["replicas"][0]
    assert [one["ram"] for one in (*record["earlier"], record)] == [8, 16, 32]
    shown = desk("show", "reduce").out
    assert "requested   1 cores, 32 GB ram, headless" in shown
    assert "8 GB ram" in shown
    assert "16 GB ram" in shown
    assert desk("show", "reduce", "-o", "json").json["replicas"][0]["attempts"][1]["ram"] == 16
    assert "3 of 4, 32 GB" in desk("status", "--all").out
    assert desk("status", "-o", "json").json["sessions"][0]["ram"] == 32
    desk.write({**reduce, "retry_wait": "1s", "retry_ram": [64]})
    assert not desk("plan", "-o", "json").json["has_changes"]


def test_a_replica_that_is_marked_for_a_rerun_begins_with_the_ram_of_its_first_attempt(desk):
    (desk.folder / "greedy.sh").write_text("kill -9 $$\n")
    reduce = {"name": "reduce", "cmd": "bash", "args": ["greedy.sh"], "cores": 1, "ram": 8, "retries": 1}
    desk.write({**reduce, "retry_wait": "1s", "retry_ram": 16})
    desk.apply("--wait", "complete", "--poll", "0.3s", code=9)
    failed = desk.state["replicas"][0]
    assert (failed["ram"], failed["cause"]) == (16, "out of memory (OOMKilled)")
    desk("mark", "rerun", "reduce", "--yes")
    due = desk.state["replicas"][0]
    assert not {"ram", "cause", "ram_used", "cores_used"} & {name for name, value in due.items() if value}
    assert [(one["ram"], one["cause"]) for one in due["earlier"]] == [(8, failed["cause"]), (16, failed["cause"])]
    assert desk("status", "-o", "json").json["sessions"][0]["ram"] is None  # that of the spec
    assert "16 GB" not in desk("status", "--all").out
    assert "requested   1 cores, 8 GB ram, headless" in desk("show", "reduce").out


def test_a_plan_states_why_the_next_attempt_gets_more(desk):
    (desk.folder / "greedy.sh").write_text(GREEDY)
    desk.write(
        {"name": "reduce", "cmd": "bash", "args": ["greedy.sh"], "cores": 1, "ram": 8, "retries": 1, "retry_ram": 16}
    )
    desk.apply()
    desk("refresh")
    assert "attempt 2 of 2 with 16 GB: attempt 1 was killed because it ran out of memory" in desk("plan").out
