"""The examples in the help of each command run as they are written, in a folder with one project and its sandbox."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from typer.main import get_command

from skaha_apply.cli import command_line

MANIFEST = """\
version: 1
project: survey
defaults: {image: "images.canfar.net/skaha/astroml:24.07", cores: 1, ram: 4}
sessions:
  - {name: reduce, replicas: 3, cmd: bash, args: [-c, date]}
"""
# In the order in which a user would run them; each gets the state that the ones before it left.
ORDER = [
    "plan", "lint", "fmt", "schema", "convert", "split", "apply", "refresh", "status", "logs", "events", "export",
    "mark", "state show", "state pull", "state push", "state forget", "state mv", "destroy", "sandbox status",
    "sandbox stop",
]  # fmt: skip
NOT_RUN = {
    "sandbox serve": "it runs until a signal",
    "state unlock": "its lock ID is that of a lost command",
    "state rebind": "its server has moved",
}
ENDLESS = "--watch"
EXPECTED = {"skaha-apply plan --sandbox --detailed-exitcode -o json": 2}


def examples():
    command_line.register()
    found = {}

    def walk(command, path):
        for name, child in getattr(command, "commands", {}).items():
            walk(child, [*path, name])
        if not hasattr(command, "commands"):
            rows = command.epilog.partition("\n\n")[0].splitlines()[1:]
            found[" ".join(path)] = [row.strip() for row in rows]

    walk(get_command(command_line.app), [])
    return found


def test_every_command_has_an_example_here():
    assert set(examples()) == set(ORDER) | set(NOT_RUN)


def test_the_examples_run_as_they_are_written(tmp_path):
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "survey.yaml").write_text(MANIFEST)
    (tmp_path / "reduce.OK").touch()
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "skaha-apply").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m skaha_apply "$@"\n')
    (programs / "skaha-apply").chmod(0o755)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path), "PYTHONPATH": str(Path.cwd())}

    def run(line):
        return subprocess.run(
            ["sh", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    try:
        for name in ORDER:
            for line in examples()[name]:
                if ENDLESS not in line:
                    made = run(line)
                    assert made.returncode == EXPECTED.get(line, 0), f"{line}\n{made.stdout}\n{made.stderr}"
    finally:
        run("skaha-apply sandbox stop")
