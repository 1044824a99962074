"""`init` writes a manifest that lints clean, asks in a terminal only, overwrites nothing, and never crashes."""

from __future__ import annotations

import io
import random
import sys

import pytest

from skaha_apply.cli import main

IMAGE = "images.canfar.net/skaha/astroml:24.07"
GIVEN = ["--image", IMAGE, "--script", "/arc/projects/survey/reduce.py"]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a command in an empty folder; gives exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))

    def run_command(*words):
        code = main([*words])
        done = capsys.readouterr()
        return code, done.out, done.err

    return run_command


def test_a_list_becomes_a_matrix_that_lints_clean(run, tmp_path):
    (tmp_path / "tiles.txt").write_text("".join(f"t{number:03d}\n" for number in range(300)))
    code, out, _ = run("init", "manifests/survey.yaml", *GIVEN, "--list", "tiles.txt")
    assert code == 0
    assert "skaha-apply plan manifests/survey.yaml --sandbox" in out
    text = (tmp_path / "manifests" / "survey.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=")
    assert "name: reduce-${tile}" in text
    assert run("lint", "manifests")[:2] == (0, "no problems found\n")


def test_the_default_file_has_the_name_of_the_folder(run, tmp_path):
    assert run("init", *GIVEN)[0] == 0
    assert [path.name for path in (tmp_path / "manifests").iterdir()] == [f"{tmp_path.name}.yaml"]
    assert run("lint")[:2] == (0, "no problems found\n")


def test_a_file_is_never_overwritten(run, tmp_path):
    (tmp_path / "m.yaml").write_text("mine")
    code, _, err = run("init", "m.yaml", *GIVEN)
    assert code == 4
    assert "m.yaml exists" in err
    assert (tmp_path / "m.yaml").read_text() == "mine"


def test_what_is_missing_is_named_without_a_terminal(run, tmp_path):
    code, _, err = run("init")
    assert code == 4
    assert "--image and --script" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words", [["--image", "a//b"], ["--list", "no.txt"], ["--list", "/etc/hostname"], ["x.txt"], ["--script", "a\nb"]]
)
def test_wrong_values_write_nothing(run, tmp_path, words):
    assert run("init", *GIVEN, *words)[0] == 4
    assert list(tmp_path.iterdir()) == []


def test_random_wrong_inputs_print_no_traceback(run, tmp_path):
    (tmp_path / "l.txt").write_text("y\n\x00\n${x}\nNGC 1\n")
    (tmp_path / "b.sh").write_bytes(b"\xff\xfe")
    words = (
        "",
        "-",
        "--",
        "--image",
        "--script",
        "--list",
        "l.txt",
        ".",
        "/",
        "b.sh",
        "x.yaml",
        "é",
        "$x",
        "${x}",
        "a b",
        "no/y.yaml",
        "a" * 5000,
        "\t",
        "images.canfar.net/a/b:1",
        "canfar",
        "create",
        "headless",
        "'",
        '"',
        "/dev/null",
        "..",
        "-n",
        "x.py",
    )
    dice = random.Random(5)
    for _ in range(400):
        command = dice.choice(["init", "convert"])
        code, out, err = run(command, *(dice.choice(words) for _ in range(dice.randint(0, 6))))
        assert code in (0, 1, 4), err
        assert "Traceback" not in out + err
        assert "this is a bug" not in err
