"""Impossible manifests: the error has file, line, column and the fix, and nothing is sent."""

from __future__ import annotations

import re

import pytest

SLEEP = {"name": "reduce", "replicas": 2, "cmd": "sleep", "args": ["600"]}
HEAD = "version: 1\nproject: survey\nsessions:\n"
IMAGE = "    image: images.canfar.net/skaha/astroml:24.07\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("# only a comment\n", "empty"),
        (HEAD + "  - name: a\n" + IMAGE + "    replica: 3\n", r"m\.yaml:6:.*replica"),
        (HEAD + "  - name: a\n" + IMAGE + "    cores: two\n", r"m\.yaml:6:"),
        (HEAD + "  - name: a\n    name: b\n" + IMAGE, r"m\.yaml:5:"),
        (HEAD + "  - name: a\n" + IMAGE + "  - name: A\n" + IMAGE, r"m\.yaml:6:"),
        (HEAD + "  - name: a\n" + IMAGE + "    cmd: bash\n    env: {A: b=c}\n", r"m\.yaml:7:"),
        (HEAD + "  - name: a\n" + IMAGE + "    cmd: bash\n    args: ['two words']\n", r"m\.yaml:7:"),
        (HEAD + "  - name: a_b\n" + IMAGE, r"m\.yaml:4:"),
        (HEAD + "  - name: a\n" + IMAGE + "    needs: [b]\n", r"m\.yaml:6:"),
        (HEAD + "  - name: [a\n", r"m\.yaml:"),
    ],
    ids=["empty", "comment", "key", "type", "twice", "case", "env", "space", "name", "needs", "yaml"],
)
def test_error_names_its_location_and_stops_everything(desk, sandbox, text, said):
    (desk.folder / "m.yaml").write_text(text)
    before = desk.files()
    ended = desk("apply", "m.yaml", "--yes", code=1)
    assert not ended.out
    assert re.search(said, ended.err), ended.err
    assert sandbox.requests()["total"] == 0
    assert desk.files() == before


def test_no_manifests_here_and_a_path_that_is_not_there(desk, sandbox):
    empty = desk.folder / "empty"
    empty.mkdir()
    assert "no manifests" in desk("plan", code=1, cwd=empty).err
    assert "empty" in desk("plan", "empty", code=1).err
    assert "nowhere" in desk("apply", "nowhere.yaml", "--yes", code=1).err
    assert sandbox.requests()["total"] == 0


def test_files_of_other_tools_and_links_out_of_the_folder_stop_nothing(desk, tmp_path_factory):
    away = tmp_path_factory.mktemp("away")
    (away / "secret.yaml").write_text("project: survey\nsessions: hunter2\n")
    desk.write(SLEEP)
    (desk.folder / "environment.yml").write_text("name: survey\n")
    (desk.folder / "x").symlink_to("/")
    (desk.folder / "y.yaml").symlink_to(away / "secret.yaml")
    for command in (["plan"], ["status"], ["lint"], ["apply", "--yes", "--settle", "0.5s"]):
        ended = desk(*command)
        assert ended.err.count("1 YAML file is skipped") == 1
        assert "2 links are not followed (out of the folder, or to a hidden file): x, y.yaml" in ended.err
    assert desk("fmt", "--check", ".", code=1).out == "would change m.yaml\n"
    assert "`project` is missing" in desk("plan", "environment.yml", code=1).err
    ended = desk("plan", "y.yaml", code=1)
    assert "y.yaml" in ended.err
    assert "hunter2" not in ended.err
    assert len(desk.live()) == 2


def test_standard_input_is_a_manifest(desk):
    path = desk.write(SLEEP)
    text = path.read_text()
    path.unlink()
    assert "2 to create" in desk("plan", "-", stdin=text).out
    desk("apply", "-", "--yes", "--settle", "0.5s", stdin=text)
    assert len(desk.live()) == 2


def test_no_sessions_with_owned_ones_is_shown_and_refused(desk):
    desk.write(SLEEP)
    desk.apply()
    desk.write()
    before, live = desk.files(), desk.live()
    plan = desk.plan()
    assert plan["summary"]["delete"] == 2
    assert "--force" in plan["refused"]
    desk.sandbox.forget_requests()
    ended = desk("apply", "--yes", code=7)
    assert "2 to delete" in ended.out
    assert "Refused" in ended.out
    assert "--force" in ended.err
    assert desk.writes() == {}
    assert desk.live() == live
    assert {name for name in before if desk.files()[name] != before[name]} <= {
        str(desk.state_path.relative_to(desk.folder))
    }
    desk.apply("--force")
    assert desk.live() == {}


def test_a_mass_deletion_is_refused_and_a_few_are_not(desk):
    keep = {"name": "keep", "replicas": 8, "cmd": "sleep", "args": ["600"]}
    desk.write(keep, {**SLEEP, "replicas": 6})
    desk.apply()
    desk.write(keep)
    assert "more than 30%" in desk("apply", "--yes", code=7).err
    assert len(desk.live()) == 14
    desk.write(keep, {**SLEEP, "replicas": 6, "name": "reduce"})
    assert desk.plan()["has_changes"] is False
