"""The benchmarks still run: each row once, at a tiny size, with real processes and without the other programs."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ONE_OF_EACH_MODULE = ["version", "lint", "plan-octodns", "creates-latency", "idle-bytes", "memory"]


def check(*words):
    command = [sys.executable, "-m", "benchmarks", "--check", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.e2e
def test_a_row_of_each_module_can_be_measured():
    printed = check("--rows", *ONE_OF_EACH_MODULE).splitlines()
    assert [line.partition(":")[0] for line in printed] == ONE_OF_EACH_MODULE


@pytest.mark.slow
def test_all_rows_can_be_measured_and_make_a_page(tmp_path):
    printed = check("--page", str(tmp_path / "speed.md"))
    assert "not measured" not in printed
    page = (tmp_path / "speed.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) == 16
    assert all(row.count("|") == 10 for row in rows), page
    assert "| 5 |" in page  # the growth, at the only size of a check
