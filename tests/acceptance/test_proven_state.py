"""Commands that read a state which this tool wrote import no validator, which takes a tenth of the time of a plan."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """\
import sys
from skaha_apply.cli import main
code = main(sys.argv[1:])
print(*sorted(sys.modules), file=open("modules", "w"))
sys.exit(code)
"""
VALIDATORS = {"pydantic", "pydantic_core", "annotated_types"}


@pytest.fixture
def planned(desk):
    """A project with a state: some replicas run, and a matrix is stored as differences."""
    desk.write(
        {"name": "reduce", "replicas": 3, "cmd": "sleep", "args": ["600"], "retries": 2},
        {"name": "tile-${tile}", "matrix": {"tile": [1, 2]}, "cmd": "sleep", "args": ["${tile}"], "timeout": "6h"},
    )
    desk.apply()
    return desk


def imported(desk, *words):
    """The names of the modules that a process of its own has imported at the end of a command line."""
    command = [sys.executable, "-c", PROGRAM, *words]
    subprocess.run(command, cwd=desk.folder, env=desk.environment, capture_output=True, text=True, check=True)
    return set((desk.folder / "modules").read_text(encoding="utf-8").split())


@pytest.mark.parametrize("words", [("plan",), ("apply", "--yes", "--no-logs"), ("status",)])
def test_a_state_that_this_tool_wrote_is_read_without_pydantic(planned, words):
    modules = imported(planned, *words)
    assert "skaha_apply.state.codec" in modules
    assert not modules & VALIDATORS


def test_a_state_that_is_not_proven_is_checked(planned):
    path = planned.state_path
    text = path.read_text(encoding="utf-8")
    assert '"digest"' in text.splitlines()[1]
    path.write_text("{\n" + text.split("\n", 2)[2], encoding="utf-8")
    assert imported(planned, "plan") >= VALIDATORS
