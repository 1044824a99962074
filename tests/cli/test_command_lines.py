"""Valid and invalid command lines, without a server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from skaha_apply.cli import main
from skaha_apply.model.durations import DurationError, parse_duration

COMMANDS = [
    ["plan"], ["apply"], ["destroy"], ["refresh"], ["status"], ["show"], ["logs"], ["events"], ["mark"], ["lint"],
    ["export"], ["convert"], ["schema"], ["state"], ["state", "show"], ["state", "unlock"], ["state", "forget"],
    ["state", "mv"], ["doctor"], ["ps"], ["open"], ["limits"], ["sandbox"], ["sandbox", "serve"],
    ["sandbox", "stop"], ["sandbox", "status"],
]  # fmt: skip
MANIFEST = """\
version: 1
project: survey
sessions: [{name: reduce, image: "images.canfar.net/skaha/astroml:24.07", cmd: sleep, args: ["600"]}]
"""
AFTER_A_COMMAND = """\
import logging, os, sys
from skaha_apply.cli import main
from skaha_apply.cli.output.outlet import standard_output

logger = logging.getLogger("skaha_apply")
logger.setLevel(logging.INFO)
assert main(["lint", "m.yaml", "-v"]) == 0
assert (logger.handlers, logger.level) == ([], logging.INFO)
with standard_output():
    kept = sys.stderr
os.close(2)
other = open("other.txt", "w")
assert other.fileno() == 2
logging.getLogger("skaha_apply.http").info("a request")
kept.write("a message")
"""


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(words, capsys):
    assert main([*words, "--help"]) == 0
    printed = capsys.readouterr()
    assert f"Usage: skaha-apply {' '.join(words)}" in printed.out
    assert not printed.err


def test_the_version_is_a_result(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("skaha-apply ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Usage: skaha-apply"),
        (["plum"], "skaha-apply has no command 'plum'"),
        (["plan", "--unknown"], "No such option"),
        (["plan", "-o", "xml"], "'-o' / '--output': 'xml' is not one of text, json, markdown\n"),
        (["plan", "--report", "xml=f"], "write FORMAT=FILE"),
        (["plan", "--report", "json"], "write FORMAT=FILE"),
        (["plan", "--target", "reduce/x"], "is not a list of replicas"),
        (["plan", "--exclude", "/3"], "the name is missing"),
        (["plan", "--allow-loss", "nan"], "is not a number of core-hours"),
        (["plan", "--allow-loss", "-1"], "is not a number of core-hours"),
        (["plan", "--adopt=all"], "'all' is not one of active, ended\n"),
        (["plan", "--sandbox", "--server", "x"], "exclude each other"),
        (["apply", "--wait"], "--wait"),
        (["apply", "--wait", "forever"], "'forever' is not one of none, ready, complete\n"),
        (["apply", "--timeout", "ten"], "write 10s, 30m, 12h or 2d"),
        (["apply", "--poll", "0"], "at least"),
        (["apply", "--lock-timeout", "-3s"], "is not a duration"),
        (["apply", "--timeout", "1000d"], "longer than 999d"),
        (["apply", "--concurrency", "0"], "'--concurrency': '0' is not a whole number from 1 to 256\n"),
        (["apply", "--concurrency", "257"], "'257' is not a whole number from 1 to 256\n"),
        (["apply", "--limit", "0"], "'0' is not a whole number of 1 or more\n"),
        (["apply", "--limit", "two"], "'two' is not a whole number of 1 or more\n"),
        (["split", "--replicas", "1000000"], "GLOB is missing"),
        (["split", "--replicas", "1000001"], "'1000001' is not a whole number from 1 to 1,000,000\n"),
        (["logs"], "Missing argument"),
        (["mark"], "Missing argument"),
        (["mark", "finish", "reduce"], "finish"),
        (["mark", "complete"], "no replicas selected"),
        (["mark", "complete", "--from", "not-there"], "cannot read the names"),
        (["schema", "house"], "house"),
        (["state"], "Missing command"),
        (["state", "forget"], "Missing argument"),
        (["state", "mv", "a"], "Missing argument"),
        (["sandbox", "serve", "--port", "99999"], "'99999' is not a whole number from 0 to 65,535\n"),
        (["ui", "--show-ids"], "No such option"),
        (["convert"], "Missing argument"),
        (["convert", "--", "ls", "-l"], "create"),
        (["--sandbox", "plan"], "write options after the command:\n  skaha-apply plan --sandbox\n"),
    ],
)
def test_misuse_is_exit_code_4_with_a_message_on_stderr(words, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 4
    printed = capsys.readouterr()
    assert said in printed.err
    assert not printed.out
    assert "Traceback" not in printed.err


LARGEST = {
    ("mark", "complete", "--from"): (50_000_000, "50 MB"),
    ("split", "--replicas", "2", "--list"): (50_000_000, "50 MB"),
    ("state", "push"): (1_000_000_000, "1 GB"),
}


@pytest.mark.parametrize("words", LARGEST)
def test_a_file_of_an_absurd_size_is_refused_unread(words, capsys, tmp_path, monkeypatch):
    most, limit = LARGEST[words]
    monkeypatch.chdir(tmp_path)
    with Path("large").open("wb") as file:
        file.truncate(most + 1)
    with Path("large").open() as file:
        monkeypatch.setattr("sys.stdin", file)
        for name, shown in (("large", "large"), ("-", "standard input")):
            assert main([*words, name]) in (1, 4)
            printed = capsys.readouterr()
            assert printed.out == ""
            assert printed.err.startswith(f"error: {shown} is larger than {limit}")
            assert "hint: " in printed.err
        assert file.buffer.tell() == 0


@pytest.mark.parametrize("words", [words for words in LARGEST if LARGEST[words][0] < 10**9])
def test_a_file_without_an_end_is_refused(words, capsys):
    assert main([*words, "/dev/zero"]) in (1, 4)
    assert "error: /dev/zero is larger than 50 MB" in capsys.readouterr().err


def test_a_list_can_come_from_another_command(capsys):
    """Bash gives the path of a pipe for `<(command)`."""
    reading, writing = os.pipe()
    os.write(writing, b"a\nb\nc\n")
    os.close(writing)
    assert main(["split", "--replicas", "2", "--list", f"/dev/fd/{reading}"]) == 0
    os.close(reading)
    assert "3 items" in capsys.readouterr().out


def test_a_variable_of_a_flag_that_is_neither_1_nor_0(capsys, monkeypatch):
    monkeypatch.setenv("SKAHA_APPLY_STATE_LOGS", "maybe")
    assert main(["apply"]) == 4
    error, hint = capsys.readouterr().err.splitlines()
    assert error == "error: SKAHA_APPLY_STATE_LOGS='maybe' is neither 1 nor 0"
    assert hint == "hint: to leave it out: unset SKAHA_APPLY_STATE_LOGS"


def test_control_characters_in_arguments_are_shown_and_have_no_effect(capsys):
    assert main(["plan", "--x\x1b[2J"]) == 4
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("30m", 1800), ("12h", 43200), ("2d", 172800), ("45", 45), ("1.5h", 5400), ("400d", 34_560_000)],
)
def test_durations(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["0", "0s", "0.0d"])
def test_zero_is_a_duration_only_where_it_has_a_meaning(text):
    assert parse_duration(text, allow_zero=True) == 0
    with pytest.raises(DurationError, match="more than 0"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text", ["", "s", "-1s", "1w", "10 s", "1e3", "inf", "nan", "\u0661s", "999.01d", "1000d", "1" * 400]
)
def test_texts_that_are_not_durations(text):
    with pytest.raises(DurationError):
        parse_duration(text, allow_zero=True)


def test_convert_prints_a_manifest_that_plans(capsys, tmp_path):
    line = "skaha create -c 8 -m 32 -r 100 -n fits headless images.canfar.net/skaha/astroml:24.07 -- python /arc/b.py"
    assert main(["convert", "--", *line.split()]) == 0
    manifest = tmp_path / "m.yaml"
    manifest.write_text(capsys.readouterr().out)
    assert main(["lint", str(manifest)]) == 0


def test_nothing_is_printed_after_its_end(tmp_path):
    """A process that continues gives the descriptor to another file, or to a connection."""
    (tmp_path / "m.yaml").write_text(MANIFEST)
    script = tmp_path / "continues.py"
    script.write_text(AFTER_A_COMMAND)
    ended = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (tmp_path / "other.txt").read_text() == ""


def test_lint_prints_file_line_and_column(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.yaml").write_text("version: 1\nproject: p\nsessions:\n  - {name: a, imge: x}\n")
    assert main(["lint", "bad.yaml"]) == 1
    assert "bad.yaml:4:" in capsys.readouterr().out
    assert main(["lint", "bad.yaml", "-o", "json"]) == 1
    assert '"valid": false' in capsys.readouterr().out
