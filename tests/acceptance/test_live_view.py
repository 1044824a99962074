"""`apply --wait complete` for people and logs: a table in a terminal, few lines elsewhere, and the next command."""

from __future__ import annotations

import re

WAIT = ("apply", "--yes", "--settle", "0.5s", "--wait", "complete", "--poll", "0.3s")
LONG = {"name": "long", "replicas": 2, "cmd": "sleep", "args": ["600"]}


def columns(screen):
    """The widest row of the table and of what waits, without escape codes."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen[screen.index("entry") :])
    return max(len(row.rstrip()) for row in re.split(r"[\r\n]+", plain) if "entry" in row or "needs" in row)


def test_a_table_in_a_terminal_that_ctrl_c_leaves_whole(desk, watched):
    desk.write(LONG, {"name": "merge", "cmd": "true", "needs": ["long"]})
    seen = watched(*WAIT, terminal=True)
    seen.until("longest (median)")
    seen.until("waiting: needs long")
    seen.resize(12, 50)
    seen.until("wait")
    code = seen.stop()
    assert code == 130
    assert re.search(r"to resume:\s+skaha-apply apply --yes", seen.screen)
    assert re.search(r"to delete the sessions of the project instead:\s+skaha-apply destroy\s", seen.screen)
    assert columns(seen.screen) < 80
    assert not re.search(r"\x1b\[(\?|2J|3J)", seen.screen)  # nothing is switched that has to be switched back
    # and again tomorrow
    (desk.folder / "m.yaml").write_text((desk.folder / "m.yaml").read_text().replace('"600"', '"0.1"'))
    desk("apply", "--yes", "--settle", "0.5s", "--wait", "complete", "--poll", "0.3s")
    assert desk.plan()["summary"]["done"] == 3


def test_a_narrow_terminal_gets_what_fits(desk, watched):
    desk.write(LONG, {"name": "merge", "cmd": "true", "needs": ["long"]})
    seen = watched(*WAIT, "--timeout", "4s", terminal=True, size=(8, 40))
    seen.until("entry")
    assert seen.wait() == 10
    assert columns(seen.screen.partition("note: --timeout")[0]) < 40
    assert re.search(r"To continue:\s+skaha-apply apply --yes", seen.screen)
    after = seen.screen[seen.screen.rindex("1 replica waits") :].partition("To continue")[0]
    assert max(map(len, after.split("\r\n"))) <= 40


def test_many_changes_are_few_lines_without_a_terminal(desk, sandbox):
    sandbox.settings(slots=16)
    desk.script('sleep 0.$((REPLICA_ID % 10)); [ "$REPLICA_ID" != 17 ]\n')
    desk.write(
        {"name": "tile", "replicas": 120, "cmd": "bash", "args": ["run.sh"]},
        {"name": "merge", "cmd": "true", "needs": ["tile"]},
    )
    ended = desk(*WAIT, code=9)
    said = ended.err.splitlines()
    assert len(said) < 60, ended.err
    assert 1 <= sum(row.startswith("tile: ") for row in said) <= 4
    assert any(re.fullmatch(r"tile-17 \w+: \w+ -> failed", row) for row in said)
    assert any("merge: 1 blocked: needs tile" in row for row in said)


def test_a_renewal_that_is_due_later_is_not_waited_for(desk, sandbox):
    sandbox.settings(interactive_deadline=3600)
    desk.write({"name": "desk", "kind": "notebook", "renew": "1d"}, {"name": "short", "cmd": "true"})
    ended = desk(*WAIT)
    assert "1 running, 1 done" in ended.out


def test_what_left_the_manifest_and_may_finish_is_waited_for(desk, sandbox):
    stays = {"name": "stays", "cmd": "true"}
    desk.write(stays, {"name": "goes", "cmd": "sleep", "args": ["2"], "when_removed": "finish"})
    desk.apply("--wait", "ready", "--poll", "0.2s")
    assert desk.live()["goes"]["status"] == "Running"
    desk.write(stays)
    desk(*WAIT)
    assert desk.live()["goes"]["status"] == "Completed"


def test_several_projects_are_waited_for_side_by_side(desk, sandbox):
    """The second stage of the second project needs no end of the first one, which never comes."""
    for name, seconds in (("one", "600"), ("two", "0.1")):
        desk.write(
            {"name": f"{name}-first", "cmd": "sleep", "args": [seconds]},
            {"name": f"{name}-second", "cmd": "true", "needs": [f"{name}-first"]},
            project=name,
            name=f"{name}.yaml",
        )
    ended = desk(*WAIT, "--timeout", "8s", code=10)
    assert ended.out.index("two: 2 created") < ended.out.index("one: 1 created")
    assert {name: row["status"] for name, row in desk.live().items()} == {
        "one-first": "Running", "two-first": "Completed", "two-second": "Completed",
    }  # fmt: skip


def test_ctrl_c_ends_the_wait_for_several_projects_in_order(desk, watched):
    for name in ("one", "two"):
        desk.write(
            {"name": f"{name}-long", "replicas": 2, "cmd": "sleep", "args": ["600"]}, project=name, name=f"{name}.yaml"
        )
    seen = watched(*WAIT, terminal=True)
    seen.until("two-long")
    seen.until("longest (median)")
    assert seen.stop() == 130
    assert re.search(r"to resume:\s+skaha-apply apply --yes", seen.screen)
    assert desk("plan", "--detailed-exitcode").code == 0


def test_a_dumb_terminal_gets_lines_without_codes(desk, watched):
    desk.write(LONG)
    desk.environment |= {"TERM": "dumb"}
    for words in ((*WAIT, "--timeout", "2s"), ("status", "--watch", "--poll", "0.3s")):
        seen = watched(*words, terminal=True)
        seen.until("long-2")
        seen.stop()
        assert "\x1b" not in seen.screen
        assert "long" in seen.screen


def test_a_terminal_that_is_not_utf8_gets_substitutes_of_one_column(desk, watched):
    desk.write(
        {"name": "a-name-that-is-far-too-long-for-a-narrow-terminal", "replicas": 2, "cmd": "sleep", "args": ["9"]}
    )
    desk.environment |= {"PYTHONIOENCODING": "latin-1"}
    seen = watched(*WAIT, "--timeout", "2s", terminal=True, size=(24, 60))
    seen.until("entry")
    assert seen.wait() == 10
    assert "=" * 24 in seen.screen  # the progress bar
    assert "\\u" not in seen.screen
    assert columns(seen.screen.partition("note: --timeout")[0]) < 60
