"""Saved plans through two processes: exactly the shown plan is applied, or nothing, and the difference is printed."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from skaha_apply.model.masking.session_ids import short_id

SLEEP = {"name": "reduce", "replicas": 3, "cmd": "sleep", "args": ["600"]}
CHANGED = {**SLEEP, "args": ["601"]}


@pytest.fixture
def applied(desk):
    desk.write(SLEEP)
    desk.apply()
    return desk


def stale(desk, *said):
    """Apply the saved plan, which is refused; nothing is sent but reads."""
    desk.sandbox.forget_requests()
    live = desk.live()
    ended = desk("apply", "p.plan", code=5)
    assert "the plan is stale" in ended.err or "lineage" in ended.err
    for one in said:
        assert re.search(one, ended.err), f"{one!r} is not said in:\n{ended.err}"
    assert desk.writes() == {}
    assert desk.live() == live


def test_shown_plan_is_applied_without_a_question(applied):
    applied.write(CHANGED)
    shown = applied("plan", "--out", "p.plan").out
    assert "3 to replace" in shown
    ended = applied("apply", "p.plan", "--settle", "0.5s")
    assert "3 to replace" in ended.out
    assert applied.plan()["has_changes"] is False
    applied("apply", "p.plan")  # and once more: nothing is left to do


def test_other_manifests_make_it_stale(applied):
    applied.write(CHANGED)
    applied("plan", "--out", "p.plan")
    applied.write({**CHANGED, "args": ["602"]})
    stale(applied, r"reduce: 3 replicas would run other work")
    applied.write(CHANGED, {"name": "more", "cmd": "true"})
    stale(applied, r"more/1 is desired now")
    applied.write({"name": "other", "cmd": "true"})
    stale(
        applied,
        r"other/1 is desired now",
        r"reduce: 3 replicas are no longer desired",
        r"not approved: delete reduce-1",
    )
    applied.write(CHANGED)
    applied("apply", "p.plan", "--settle", "0.5s")


def test_an_action_that_nobody_saw_makes_it_stale(applied, sandbox):
    """Planned while the name was free; then an unmanaged session took it, and the plan allows to take it over."""
    applied.write(SLEEP, {"name": "desk", "cmd": "sleep", "args": ["600"]})
    applied("plan", "--out", "p.plan", "--take-over")
    assert sandbox.create(name="desk", cmd="sleep", args="600").status_code == 200
    taken = applied.live()["desk"]["id"]
    stale(applied, rf"not approved: replace desk \({short_id(taken)}\)")
    applied("plan", "--out", "p.plan", "--take-over")
    applied("apply", "p.plan", "--settle", "0.5s")
    assert applied.live()["desk"]["id"] != taken


def test_another_lineage_makes_it_stale(applied):
    applied.write(CHANGED)
    applied("plan", "--out", "p.plan")
    state = applied.state
    applied.state_path.write_text(json.dumps(state | {"lineage": "another"}))
    stale(applied, r"lineage differs")
    applied.state_path.unlink()
    stale(applied)
    applied.state_path.write_text(json.dumps(state))
    applied("apply", "p.plan", "--settle", "0.5s")


def test_time_alone_does_not(desk, sandbox):
    """Between plan and apply: one was created and ended, one failed, others were created, by another process."""
    first = {"name": "first", "cmd": "sleep", "args": ["0.3"]}
    flaky = {"name": "flaky", "cmd": "false"}
    keep = {"name": "keep", "replicas": 2, "cmd": "sleep", "args": ["600"]}
    later = {"name": "later", "replicas": 3, "cmd": "sleep", "args": ["600"], "needs": ["first"]}
    desk.write(keep)
    desk.apply()
    change = {**keep, "args": ["601"]}
    desk.write(first, flaky, later, change)
    desk("plan", "--out", "p.plan")
    # another process was faster with a part of it; whether it still sees `flaky` fail is a matter of luck
    desk("apply", "--yes", "--settle", "0.5s", "--exclude", "keep", check=False)
    sandbox.wait_until(lambda: sandbox.status()["finished"] >= 2)
    shown = desk("apply", "p.plan", "--settle", "0.5s", code=9).out  # `flaky` has failed
    assert "2 to replace" in shown
    made = Counter(one["name"].partition("-")[0] for one in sandbox.sessions())
    assert made == {"first": 1, "flaky": 1, "keep": 4, "later": 3}


def test_a_plan_of_a_first_run_is_not_stale_once_another_process_began(desk, sandbox):
    desk.write(SLEEP)
    desk("plan", "--out", "p.plan")
    desk.apply("--target", "reduce/1")
    desk("apply", "p.plan", "--settle", "0.5s")
    assert len(sandbox.sessions()) == 3


def test_an_ended_replica_that_was_to_be_replaced_is_replaced_as_shown(desk, sandbox):
    desk.write({**SLEEP, "args": ["0.5"]})
    desk.apply()
    desk.write(SLEEP)
    desk("plan", "--out", "p.plan")
    sandbox.wait_idle()
    desk("apply", "p.plan", "--settle", "0.5s")
    newest = {record["id"] for record in desk.state["replicas"]}
    assert {row["status"] for row in sandbox.get().json() if row["id"] in newest} == {"Running"}
    assert len(sandbox.sessions()) == 6


def test_a_plan_holds_no_secret(desk, sandbox):
    desk.write({**SLEEP, "env": {"API_KEY": "hunter2-in-the-env"}})
    desk.apply()
    desk.write({**SLEEP, "env": {"API_KEY": "hunter3-in-the-env"}})
    desk("plan", "--out", "p.plan", TF_HTTP_PASSWORD="hunter4")
    text = (desk.folder / "p.plan").read_text()
    for secret in (sandbox.token, "hunter2", "hunter3", "hunter4", "Bearer"):
        assert secret not in text
    assert "env.API_KEY" in text


def test_a_refused_plan_is_saved_and_still_refused(desk):
    desk.write({**SLEEP, "replicas": 12})
    desk.apply()
    desk.write({"name": "other", "cmd": "true"})
    assert "Refused" in desk("plan", "--out", "p.plan").out
    before = desk.live()
    desk("apply", "p.plan", code=7)
    assert desk.live() == before
    desk("apply", "p.plan", "--force", "--settle", "0.5s")
    assert set(desk.live()) == {"other"}


def test_a_plan_for_another_server_or_project_is_stale(applied, one_line):
    applied.write(CHANGED)
    applied("plan", "--out", "p.plan")
    ended = applied("apply", "p.plan", code=5, SKAHA_URL=f"{applied.sandbox.origin}/skaha/v0")
    assert "the plan is for" in ended.err
    applied.write(CHANGED, project="renamed")
    ended = applied("apply", "p.plan", code=5)
    assert "survey" in ended.err
    assert "renamed" in ended.err
    assert len(applied.sandbox.sessions()) == 3


def broken(text, how):
    content = json.loads(text)
    if how == "cut":
        return text[: len(text) // 2]
    if how == "newer":
        return json.dumps(content | {"format_version": "2.0"})
    if how == "edited":
        content["plans"][0]["approved"].append("! delete reduce-1 1 x")
    elif how == "options":
        content["options"]["adopt"] = "everything"
    elif how == "kind":
        content["kind"] = "skaha-apply plan of the day"
    elif how == "list":
        return json.dumps([content])
    elif how == "nested":
        return json.dumps(content)[:-1] + ', "x": ' + "[" * 200_000
    else:
        del content[how]
    return json.dumps(content)


@pytest.mark.parametrize(
    "how",
    ["cut", "newer", "edited", "options", "kind", "list", "nested", "paths", "plans", "server", "format_version"],
)
def test_a_broken_plan_is_a_usage_error(applied, one_line, how):
    applied.write(CHANGED)
    applied("plan", "--out", "p.plan")
    path = applied.folder / "p.plan"
    path.write_text(broken(path.read_text(), how))
    applied.sandbox.forget_requests()
    one_line(applied("apply", "p.plan", code=4), r"p\.plan", r"plan --out FILE")
    assert applied.writes() == {}


def test_a_plan_that_cannot_be_saved_is_an_error(desk, one_line):
    desk.write(SLEEP)
    ended = desk("plan", "--out", "no/such/folder/p.plan", code=1)
    assert "cannot be saved" in ended.err
    assert "3 to create" in ended.out


def test_a_remote_state_makes_no_difference(remote_desk):
    remote_desk.write(SLEEP)
    remote_desk.apply()
    remote_desk.write(CHANGED)
    remote_desk("plan", "--out", "p.plan")
    assert remote_desk.store.password not in (remote_desk.folder / "p.plan").read_text()
    remote_desk("apply", "p.plan", "--settle", "0.5s")
    assert remote_desk.plan()["has_changes"] is False
