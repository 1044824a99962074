"""Years of finished tiles come along by lists; a matrix is marked, forgotten and renamed as a whole."""

from __future__ import annotations

import json

import pytest

TILES = [f"{ra}.{dec:03}" for ra in (270, 271, 272) for dec in range(100)]  # 270.000 … 272.099, as they are written
ENTRY = "tile-${tile}"


@pytest.fixture
def survey(desk):
    """A function that writes 300 tiles, and a session that sums them up."""
    (desk.folder / "tiles.txt").write_text("# all of them\n" + "\r\n".join(TILES) + "\n")

    def write(name=ENTRY, **more):
        tile = {"name": name, "matrix": {"tile": {"file": "tiles.txt"}}, "cmd": "true", "args": ["${tile}"], **more}
        return desk.write(tile, {"name": "sum", "cmd": "true", "needs": [name]})

    write()
    return write


def created(sandbox):
    return [one["name"] for one in sandbox.sessions()]


def test_what_was_finished_before_the_first_apply_is_never_created(desk, survey, sandbox):
    finished = TILES[:200]
    listed = "# done by the old script\n\n" + "\n".join([*finished, "270.1", "999.999", "  #272.099"]) + "\n"
    (desk.folder / "ok.txt").write_text(listed)
    ended = desk("mark", "complete", "--from", "ok.txt", "--axis", "tile", "--yes")
    assert "270.1, 999.999: not a value of tile in any session of survey" in ended.err
    assert "… and 150 more" in ended.out
    assert desk.plan()["summary"]["done"] == 200
    desk.apply("--wait", "complete", "--poll", "0.2s")
    assert len(desk.state["replicas"]) == 301
    assert sorted(created(sandbox)) == sorted(["sum", *(f"tile-{tile.replace('.', '-')}" for tile in TILES[200:])])
    assert desk.plan()["has_changes"] is False


def test_values_without_their_axis_are_shown_with_the_line_to_paste(desk, survey):
    (desk.folder / "ok.txt").write_text("270.000\n271.001\n")
    ended = desk("mark", "complete", "--from", "ok.txt", "--yes", code=4)
    assert "error: 270.000, 271.001: values of the axis tile, not names\n" in ended.err
    assert ended.err.rstrip().splitlines()[-1].startswith("  skaha-apply mark complete --from ok.txt --yes")
    assert ended.err.rstrip().endswith("--axis tile")


def test_a_list_that_was_cut_short_is_counted_and_an_emptied_one_is_refused(desk, survey, sandbox):
    desk("mark", "complete", ENTRY, "sum", "--yes")
    tiles = desk.folder / "tiles.txt"
    tiles.write_text("270.000\n")
    shown = "299 no longer in the manifest (their results are kept)"
    assert shown in desk("plan").out
    assert shown in desk("plan", "-o", "markdown").out
    assert desk.plan()["summary"]["retired"] == 299
    asked = desk.in_terminal("apply", answer="n\n", code=1)
    assert "299 of 301 replicas in the state are no longer in the manifest. Apply this plan" in asked.err + asked.out
    tiles.write_text("# nothing tonight\n")
    survey(matrix={"tile": {"file": "tiles.txt"}, "include": [{"tile": "270.000"}]})
    assert "empty-matrix" in desk("lint").out
    refused = desk("apply", "--yes", code=7)
    assert "the list of tile-${tile} is empty, and the state has 299 of its replicas" in refused.err
    assert created(sandbox) == []


def test_a_comment_behind_a_name_is_noted(desk, survey):
    ended = desk("mark", "complete", "--from", "-", "--axis", "tile", "--yes", stdin="270.000\n270.001 # bad\n")
    assert "note: 270.001 # bad contains a #, and the # is part of the name" in ended.err
    assert desk.plan()["summary"]["done"] == 1


def test_the_axis_is_checked_and_names_limit_it(desk, survey, one_line):
    (desk.folder / "ok.txt").write_text("270.000\n")
    one_line(desk("mark", "complete", "--axis", "tile", "--yes", code=4), "--axis belongs to --from")
    words = ("mark", "complete", "--from", "ok.txt", "--yes", "--axis")
    one_line(desk(*words, "tyle", code=4), "no session has such an axis", "there are: tile")
    assert "nothing to mark" in desk(*words, "tile", "sum", code=4).err
    assert desk(*words, "tile", "tile-27*").out.count("complete") == 1


def test_an_entry_is_marked_by_its_name_as_written(desk, survey):
    desk("mark", "complete", ENTRY, "--yes")
    assert desk.plan()["summary"] | {"done": 300, "create": 1} == desk.plan()["summary"]
    desk("mark", "rerun", "TILE-${tile}", "--phase", "done", "--yes")
    assert desk.plan()["summary"]["create"] == 300
    text = desk("plan").out
    assert f"{ENTRY}  300 of 300  (270-000 … 272-099)" in text
    assert len(text.splitlines()) < 12


def test_unknown_replicas_are_marked_at_once(desk, survey, sandbox):
    desk.write({"name": ENTRY, "matrix": {"tile": ["a", "b", "c"]}, "cmd": "sleep", "args": ["600"]})
    desk.apply()
    desk("refresh")  # they have been seen
    for row in desk.live().values():
        sandbox.expire(row["id"])
    sandbox.clock(7200)
    assert desk.plan()["summary"]["unknown"] == 3
    assert f"mark rerun '{ENTRY}' --phase unknown" in desk("plan").out
    desk("mark", "complete", "--phase", "unknown", "--yes")
    assert desk.plan()["summary"]["done"] == 3


def test_a_matrix_is_renamed_and_nothing_runs_again(desk, survey, sandbox):
    (desk.folder / "tiles.txt").write_text("t1\nt2\n")
    desk.apply("--wait", "complete", "--poll", "0.2s")
    assert len(created(sandbox)) == 3
    assert desk("state", "mv", ENTRY, "field-${tile}").out == f"matrix {ENTRY} is now field-${{tile}}\n"
    survey("field-${tile}")
    plan = desk.plan("--all")
    assert plan["has_changes"] is False
    assert [(one["session"], one.get("group"), one["action"]) for one in plan["actions"]] == [
        ("field-t1", "field-${tile}", "done"), ("field-t2", "field-${tile}", "done"), ("sum", None, "done"),
    ]  # fmt: skip
    assert "forgot" in desk("state", "forget", "field-${tile}/1").out
    assert [one["session"] for one in desk.state["replicas"]] == ["sum"]


def test_a_state_that_is_kept_elsewhere_is_an_error_for_all_but_the_sandbox(desk, survey, one_line):
    address = "https://git.example.org/api/v4/projects/7/terraform/state/survey"
    document = json.loads((desk.folder / "m.yaml").read_text())
    (desk.folder / "m.yaml").write_text(json.dumps({**document, "state": address}))
    for words in (["plan"], ["status"], ["apply", "--yes"], ["destroy", "--yes"], ["logs", "sum"]):
        one_line(desk(*words, code=1), address, "survey.state.json", f"--state {address}")
    assert desk.writes() == {}
    (desk.folder / "m.yaml").write_text(json.dumps({**document, "state": "memory/survey.json"}))
    desk("plan", "--state", "memory/survey.json")
    desk("mark", "complete", "sum", "--yes", "--state", "memory/survey.json")
    assert (desk.folder / "memory" / "survey.json").exists()
    assert desk("state", "show", code=1).err  # nothing there: looking into another store is not forbidden
