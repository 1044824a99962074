"""An address of an unknown form is an error of usage for every command, and starts no state."""

from __future__ import annotations

import stat

import pytest

SLEEP = {"name": "reduce", "cmd": "sleep", "args": ["600"]}


@pytest.mark.parametrize("words", [["plan"], ["apply", "--yes"], ["state", "pull"], ["state", "push", "s.json"]])
def test_an_unknown_prefix_is_refused_by_every_command(desk, one_line, words):
    desk.write(SLEEP)
    (desk.folder / "s.json").write_text("{}")
    before = desk.files()
    if words[1:] != ["push", "s.json"]:
        one_line(desk(*words, code=4, TF_HTTP_ADDRESS="hg:/path/r"), r"TF_HTTP_ADDRESS", r"'hg:'", r"\./a:b")
        one_line(desk(*words, "--state", "hg:/path/r", code=4), r"--state", r"'hg:'", r"http\(s\)://")
    else:
        desk(*words, "--state", "hg:/path/r", check=False)
    assert desk.files() == before


def test_unknown_prefix_in_a_manifest_names_its_location(desk, one_line):
    desk.write(SLEEP, state="s3://bucket/key")
    one_line(desk("plan", code=4), r"m\.yaml:\d+:\d+: state", r"'s3:'")


def test_a_file_with_a_colon_is_written_with_a_folder(desk):
    desk.write(SLEEP)
    desk.apply("--state", "./a:b")
    assert (desk.folder / "a:b").exists()
    assert desk.plan("--state", "./a:b")["summary"]["unchanged"] == 1


def test_saved_plans_and_event_files_are_private(desk):
    desk.write(SLEEP)
    (desk.folder / "p.plan").write_text("")
    (desk.folder / "p.plan").chmod(0o644)
    desk("plan", "--out", "p.plan")
    desk("apply", "p.plan", "--events", "e.jsonl", "--settle", "0.5s")
    assert {stat.S_IMODE((desk.folder / name).stat().st_mode) for name in ("p.plan", "e.jsonl")} == {0o600}
