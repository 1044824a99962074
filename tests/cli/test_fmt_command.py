"""`fmt` on real files: its output, the files that it does not change, and that a file is never half written."""

from __future__ import annotations

import os
import stat

import pytest

UGLY = "sessions: [ ]\nversion:   1  # one\nproject: p\n"
NICE = "version: 1  # one\nproject: p\nsessions: []\n"


def test_file_that_would_change_is_named_then_changed_once(command):
    command.manifest(UGLY)
    command.manifest(NICE, "nice.yaml")
    checked = command("fmt", "--check", ".")
    assert (checked.returncode, checked.stdout) == (1, "would change m.yaml\n")
    assert (command.folder / "m.yaml").read_text() == UGLY
    made = command("fmt")
    assert (made.returncode, made.stdout, made.stderr) == (0, "changed m.yaml\n", "")
    assert (command.folder / "m.yaml").read_text() == NICE
    assert command("fmt", "--check").returncode == 0
    assert command("fmt").stdout == ""
    assert sorted(path.name for path in command.folder.iterdir()) == ["m.yaml", "nice.yaml", "run.sh"]


def test_from_standard_input_to_standard_output(command):
    made = command("fmt", "-", input=UGLY)
    assert (made.returncode, made.stdout) == (0, NICE)
    checked = command("fmt", "--check", "-", input=UGLY)
    assert (checked.returncode, checked.stdout) == (1, "would change -\n")
    assert command("fmt", "--check", "-", input=NICE).returncode == 0


def test_bad_file_is_reported_and_unchanged_and_the_others_are_formatted(command):
    command.manifest(UGLY)
    command.manifest("version: 1\nproject: p\nsessions: [{nmae: x}]\n", "bad.yaml")
    made = command("fmt", "bad.yaml", "m.yaml", "gone.yaml")
    assert made.returncode == 1
    assert made.stdout == "changed m.yaml\n"
    assert "bad.yaml:3:" in made.stderr
    assert "gone.yaml" in made.stderr
    assert (command.folder / "bad.yaml").read_text().endswith("nmae: x}]\n")


def test_rights_and_links_stay(command):
    (command.folder / "real").mkdir()
    file = command.folder / "real" / "a.yaml"
    file.write_text(UGLY)
    file.chmod(0o640)
    (command.folder / "link.yaml").symlink_to(file)
    assert command("fmt", "link.yaml").returncode == 0
    assert (command.folder / "link.yaml").is_symlink()
    assert file.read_text() == NICE
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(command):
    (command.folder / "locked").mkdir()
    file = command.folder / "locked" / "a.yaml"
    file.write_text(UGLY)
    file.parent.chmod(0o555)
    made = command("fmt", "locked")
    assert made.returncode == 1
    assert "cannot write" in made.stderr
    assert file.read_text() == UGLY
