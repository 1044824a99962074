"""`--wait`, `needs`, failures and what depends on them."""

from __future__ import annotations

FAST = ("--settle", "0.5s")
POLL = ("--poll", "0.3s")


def stages(desk, *first):
    """Three makes, one merge that needs them, one note that needs the merge."""
    desk.write(
        {"name": "make", "replicas": 3, "cmd": "bash", "args": ["make.sh", *first]},
        {"name": "merge", "cmd": "bash", "args": ["merge.sh"], "needs": ["make"]},
        {"name": "last", "cmd": "true", "needs": ["merge"]},
    )


def test_dependents_run_in_order_and_again_after_a_change_of_a_dependency(desk, sandbox):
    desk.script("echo $1 > made-$REPLICA_ID\n", "make.sh")
    desk.script("cat made-1 made-2 made-3 > merged\n", "merge.sh")
    stages(desk, "old")
    first = desk.apply()
    assert "2 waiting" in first.out
    assert "needs make" in first.out
    desk.apply("--wait", "complete", *POLL)
    assert (desk.folder / "merged").read_text() == "old\n" * 3
    made = sandbox.sessions()
    assert len(made) == 5
    ends = {one["name"]: one["ended"] for one in made}
    begins = {one["name"]: one["created"] for one in made}
    assert begins["merge"] >= max(ends[f"make-{replica}"] for replica in (1, 2, 3))
    assert begins["last"] >= ends["merge"]

    stages(desk, "new")
    plan = desk.plan()
    assert [action["name"] for action in plan["actions"]] == ["make-1", "make-2", "make-3", "merge", "last"]
    desk.apply("--wait", "complete", *POLL)
    assert (desk.folder / "merged").read_text() == "new\n" * 3
    assert len(sandbox.sessions()) == 10
    assert desk.plan()["summary"]["done"] == 5


def test_failing_replica_shows_its_log_and_blocks_its_dependents(desk, sandbox):
    desk.script('if [ "$REPLICA_ID" = 2 ]; then echo "no such file: tile 2"; exit 3; fi\n', "make.sh")
    desk.script("true\n", "merge.sh")
    stages(desk)
    ended = desk.apply("--wait", "complete", *POLL, code=9)
    assert "no such file: tile 2" in ended.out
    assert "log of make-2" in ended.out
    assert "2 done, 1 failed, 2 blocked" in ended.out
    assert {one["name"] for one in sandbox.sessions()} == {"make-1", "make-2", "make-3"}
    # nothing is tried again without a mark; with `mark rerun` it is, and the dependents follow
    sandbox.forget_requests()
    desk.apply(code=9)
    assert desk.writes() == {}
    desk.script("true\n", "make.sh")
    desk("mark", "rerun", "make/2", "--yes")
    desk.apply("--wait", "complete", *POLL)
    assert desk.plan()["summary"]["done"] == 5


def test_the_failure_limit_deletes_what_is_still_pending(desk, sandbox):
    sandbox.settings(slots=1)
    desk.script('[ "$REPLICA_ID" -gt 2 ] && until [ -e go ]; do sleep 0.05; done\n[ -e fixed ]\n')
    desk.write(
        {"name": "find", "replicas": 10, "cmd": "bash", "args": ["run.sh"], "stop_after": 2}, variables={"night": {}}
    )
    given = ("--project", "survey", "--var", "night=1")
    waiting = desk.start("apply", "--yes", *FAST, "--wait", "complete", *POLL, *given)
    sandbox.wait_until(lambda: len(sandbox.sessions()) == 10 and sandbox.status()["active"] == 1)
    (desk.folder / "go").touch()
    ended = desk.finish(waiting, code=9)
    assert desk.writes() == {"POST": 10, "DELETE": 7}  # the third was running and ran to its end
    assert "not approved" not in ended.out + ended.err
    assert "3 failed, 7 blocked" in ended.out
    repeated = "`skaha-apply mark rerun 'find' --phase failed --project survey --var night=1`"
    assert repeated in ended.out
    assert repeated in ended.err
    again = "skaha-apply mark rerun --phase failed --project survey --var night=1"
    assert f"To run 3 failed replicas of survey again at the next apply:\n  {again}\n" in ended.out
    # nothing is left to do until somebody has fixed the cause
    assert desk.plan()["has_changes"] is False
    assert repeated in desk("plan", *given).out
    assert repeated in desk("status", *given).out
    assert repeated in desk("status", *given, "--all").out
    (desk.folder / "fixed").touch()
    desk("mark", "rerun", "find", "--phase", "failed", "--yes")
    desk.apply("--wait", "complete", *POLL)
    assert desk.plan()["summary"]["done"] == 10


def test_a_wait_ends_with_0_only_if_everything_in_scope_is_done(desk, sandbox):
    first, second = {"name": "a", "cmd": "true"}, {"name": "b", "cmd": "true", "needs": ["a"]}
    desk.write(first, second, {"name": "desk", "kind": "notebook"})
    # a dependency that has not run is out of scope
    ended = desk.apply("--target", "b", "--wait", "complete", *POLL, code=9)
    assert "b: 1 blocked: needs a (1 of 1 not done), which --target or --exclude leaves out" in ended.out
    assert sandbox.sessions() == []
    # one is on hold, and blocks; so does a notebook
    desk("mark", "hold", "a", "desk", "--yes")
    ended = desk.apply("--wait", "complete", *POLL, code=9)
    assert "b: 1 blocked: needs a: a is on hold" in ended.out
    assert "a: 1 blocked: on hold; `skaha-apply mark rerun a` releases it" in ended.out
    assert sandbox.sessions() == []
    desk.apply("--target", "desk", "--wait", "complete", *POLL, code=9)
    desk("status", "--exit-code", code=9)
    desk("mark", "rerun", "a", "desk", "--yes")
    desk.apply("--wait", "complete", *POLL)
    # protection keeps work from running that the manifest asks for
    desk.write({**first, "cmd": "false", "protect": True}, {"name": "desk", "kind": "notebook"})
    ended = desk.apply("--wait", "complete", *POLL, code=9)
    assert "a: 1 protected: spec changed, but it is protected" in ended.out
    desk("status", "--exit-code", code=9)
    assert len(sandbox.sessions()) == 3


def test_an_apply_that_leaves_replicas_waiting_prints_the_next_command(desk):
    desk.write({"name": "tile", "replicas": 6, "cmd": "sleep", "args": ["600"], "parallelism": 2})
    again = "To continue:\n  skaha-apply apply --yes --settle 0.5s"
    ended = desk.apply()
    assert "4 replicas wait for another invocation (limit of tile reached (parallelism 2))" in ended.out
    assert f"{again}\n" in ended.out
    ended = desk.apply("-o", "json", "--target", "tile/1-4")
    assert f"{again} -o json --target tile/1-4\n" in ended.err
    assert ended.json["applied"] == {}
    assert "To continue" not in desk.apply("--target", "tile/1-2").out


def test_in_a_terminal_apply_asks_whether_to_stay_if_something_waits(desk):
    desk.write({"name": "tile", "replicas": 3, "cmd": "true", "parallelism": 1})
    left = desk.in_terminal("apply", *FAST, *POLL, answer="y\nn\n")
    command = "skaha-apply apply --settle 0.5s --poll 0.3s"
    assert f"this command resumes the work:\r\n  {command}\r\n" in left.err
    assert "Stay until all work has ended? [y/N]" in left.err
    assert f"To continue:\n  {command}\n" in left.out
    assert desk.writes() == {"POST": 1}
    stayed = desk.in_terminal("apply", *FAST, *POLL, answer="y\ny\n")
    assert "Replicas: 3 done." in stayed.out
    assert "core-hours used, logs in .skaha-apply/localhost/logs/survey\n" in stayed.out
    assert "Stay until" not in desk.apply(*POLL).err  # without a terminal, with --yes


def test_a_limit_holds_for_the_invocation_and_not_for_each_pass(desk, sandbox):
    desk.write({"name": "tile", "replicas": 6, "cmd": "true"})
    ended = desk.apply("--limit", "2", "--wait", "complete", *POLL, code=9)
    assert len(sandbox.sessions()) == 2
    assert "--limit 2 leaves 4 actions for another invocation" in ended.out
    assert "To continue:\n  skaha-apply apply --yes --settle 0.5s --limit 2 --wait complete --poll 0.3s\n" in ended.out
    assert "--limit 3 leaves 1 action for another invocation" in desk.apply("--limit", "3").out
    assert "To continue" not in desk.apply("--limit", "3").out
    assert len(sandbox.sessions()) == 6


def test_a_timeout_ends_the_wait_with_its_own_code(desk):
    desk.write({"name": "long", "cmd": "sleep", "args": ["600"]})
    ended = desk.apply("--wait", "complete", *POLL, "--timeout", "1s", code=10)
    assert "work was left after 1s" in ended.out
    assert sorted(desk.live()) == ["long"]
    assert desk.plan()["has_changes"] is False


def test_ready_waits_for_queued_sessions(desk, sandbox):
    sandbox.settings(slots=1)
    desk.write({"name": "turn", "replicas": 3, "cmd": "sleep", "args": ["0.7"]})
    desk.apply("--wait", "ready", *POLL)
    assert {row["status"] for row in desk.live().values()} <= {"Running", "Completed"}
    assert any(row["status"] == "Completed" for row in desk.live().values())


def test_dependent_of_a_change_is_deleted_now_and_created_again_later(desk):
    first = {"name": "first", "cmd": "true"}
    second = {"name": "second", "cmd": "sleep", "args": ["600"], "needs": ["first"]}
    desk.write(first, second)
    desk.apply("--wait", "ready", "--poll", "0.2s")
    desk.apply("--wait", "ready", "--poll", "0.2s")
    assert desk.live()["second"]["status"] == "Running"
    desk.write({**first, "cmd": "sleep", "args": ["500"]}, second)
    ended = desk.apply()
    assert "survey: 1 replaced, 1 deleted." in ended.out, ended.out
    active = [row["name"] for row in desk.sandbox.get().json() if row["status"] in ("Pending", "Running")]
    assert active == ["first"]


def test_wait_does_not_create_again_after_a_mass_deletion(desk, sandbox):
    desk.write({"name": "hang", "replicas": 12, "cmd": "sleep", "args": ["600"]})
    desk.apply("--wait", "ready", *POLL)
    waiting = desk.start("apply", "--yes", "--wait", "complete", "--poll", "2s")
    sandbox.forget_requests()
    sandbox.wait_until(lambda: len(sandbox.requests()["requests"]) > 5)  # more than one pass
    for one in sandbox.sessions():
        sandbox.delete(one["id"])
    ended = desk.finish(waiting, code=7)
    assert "of 12 owned replicas" in ended.out + ended.err
    made = len(sandbox.sessions())
    assert made < 16  # a pass may have seen the first few deleted, and not yet the others
    assert "again because their sessions disappeared" in desk("apply", "--yes", code=7).err
    assert len(sandbox.sessions()) == made
    desk.apply("--force")
    assert len(desk.live()) == 12


def test_a_wait_ends_if_its_state_disappears_and_runs_nothing_again(desk):
    desk.script("until [ -e go ]; do sleep 0.1; done\n")
    desk.write({"name": "make", "cmd": "bash", "args": ["run.sh"]}, {"name": "last", "cmd": "true", "needs": ["make"]})
    desk.apply("--wait", "ready", *POLL)
    waiting = desk.start("apply", "--yes", "--wait", "complete", *FAST, *POLL)
    while not waiting.stderr.readline().startswith("survey:"):
        pass
    kept = desk.folder / "kept.json"
    desk.state_path.rename(kept)
    ended = desk.finish(waiting, code=1)
    assert "has disappeared since this command began" in ended.err
    assert len(desk.posts()) == 1
