"""Standard output and error that are full, closed, or of an encoding that lacks characters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BAD_MANIFEST = 'version: 1\nproject: p\nsessions:\n  - {name: a, image: "x/é☆", cmd: "é☆"}\n'


def run(folder, words, redirections="", **environment):
    """Run in a shell with these redirections; a clean environment and the given one."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH")}
    script = f'exec "$@" {redirections}'
    return subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-m", "skaha_apply", *words],
        cwd=folder, env={**kept, "HOME": str(folder), **environment}, capture_output=True, check=False, timeout=60,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "m.yaml").write_text(BAD_MANIFEST, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("form", ["json", "sarif", "junit", "gitlab"])
def test_documents_are_utf_8_whatever_the_encoding_of_the_terminal(folder, form):
    ended = run(folder, ["lint", "m.yaml", "-o", form], PYTHONIOENCODING="ascii", LANG="C")
    assert "é☆" in ended.stdout.decode("utf-8")
    assert "\\u2606" not in ended.stdout.decode("utf-8")


@pytest.mark.parametrize(
    ("redirections", "words", "reason"),
    [
        (">/dev/full", ["lint", "m.yaml", "-o", "json"], "No space left on device"),
        (">/dev/full", ["--help"], "No space left on device"),
        (">&-", ["schema", "plan"], "it is closed"),
    ],
)
def test_a_result_that_cannot_be_written_is_one_line_and_1(folder, redirections, words, reason):
    ended = run(folder, words, redirections)
    assert ended.returncode == 1
    assert ended.stderr.decode() == f"error: cannot write to standard output: {reason}\n"


@pytest.mark.parametrize("redirections", ["2>&-", "2>/dev/full", "0<&- 2>&-"])
def test_standard_error_that_is_lost_stops_no_work(folder, redirections, sandbox):
    (folder / "ok.yaml").write_text(
        'version: 1\nproject: p\nsessions: [{name: a, image: "images.canfar.net/skaha/astroml:24.07", cmd: "true"}]\n'
    )
    given = {"SKAHA_URL": sandbox.url, "SKAHA_TOKEN": sandbox.token}
    ended = run(folder, ["apply", "--yes", "ok.yaml"], redirections, **given)
    assert ended.returncode == 0
    assert b"1 created" in ended.stdout
    assert len(sandbox.sessions()) == 1


def test_standard_output_that_is_lost_lets_an_approved_apply_end_its_work(folder, sandbox):
    (folder / "ok.yaml").write_text(
        'version: 1\nproject: p\nsessions: [{name: a, image: "images.canfar.net/skaha/astroml:24.07", cmd: "true"}]\n'
    )
    given = {"SKAHA_URL": sandbox.url, "SKAHA_TOKEN": sandbox.token}
    ended = run(folder, ["apply", "--yes", "ok.yaml", "--report", "x"], ">&-", **given)
    assert ended.returncode == 4
    ended = run(folder, ["apply", "--yes", "ok.yaml"], ">&-", **given)
    assert ended.returncode == 1
    assert ended.stderr.decode().count("error: cannot write to standard output: it is closed") == 1
    assert len(sandbox.sessions()) == 1


@pytest.mark.parametrize("words", [["lint", "m.yaml", "--report", "json=/dev/full"]])
def test_a_file_on_a_full_disk_is_one_error(folder, words):
    ended = run(folder, words)
    assert ended.returncode == 1
    assert "cannot write the report /dev/full: No space left on device" in ended.stderr.decode()


def test_a_saved_plan_on_a_full_disk_is_one_error(folder, sandbox):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    (folder / "ok.yaml").write_text(
        'version: 1\nproject: p\nsessions: [{name: a, image: "images.canfar.net/skaha/astroml:24.07", cmd: "true"}]\n'
    )
    given = {"SKAHA_URL": sandbox.url, "SKAHA_TOKEN": sandbox.token}
    ended = run(folder, ["plan", "ok.yaml", "-o", "json", "--out", "/dev/full"], **given)
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["project"] == "p"
    assert "/dev/full: No space left on device" in ended.stderr.decode()
    ended = run(folder, ["apply", "ok.yaml", "--yes", "--events", "/dev/full"], **given)
    assert b"1 created" in ended.stdout
    assert "No space left on device" in ended.stderr.decode()
