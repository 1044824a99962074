"""The examples in the help of each command run as they are written, in a folder with one project and its sandbox."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import pytest
from typer.main import get_command

from skaha_apply.cli import command_line

SCRIPT = "for i in 1 2; do canfar create -n t-$i headless images.canfar.net/skaha/astroml:24.07 -- true; done\n"
MANIFEST = """\
version: 1
project: survey
defaults: {image: "images.canfar.net/skaha/astroml:24.07", cores: 1, ram: 4}
sessions:
  - {name: reduce, replicas: 3, cmd: bash, args: [-c, date]}
"""
# Users at three points of their work: what they have done before, and the commands in the order in which they run them;
# each command gets the state that the ones before it left.
BEFORE = {
    "before the first apply": [],
    "with an apply": ["skaha-apply plan --sandbox --out plan.json manifests/"],
    "after an apply": ["skaha-apply apply --sandbox --yes --wait complete --poll 0.2s"],
}
ORDER = {
    "before the first apply": [
        "plan",
        "lint",
        "graph",
        "fmt",
        "schema",
        "init",
        "convert",
        "split",
        "sandbox status",
        "sandbox stop",
    ],
    "with an apply": ["apply", "refresh", "status", "logs", "events", "export"],
    "after an apply": [
        "doctor",
        "ps",
        "limits",
        "show",
        "mark",
        "state show",
        "state pull",
        "state push",
        "state forget",
        "state mv",
        "destroy",
    ],
}
NOT_RUN = {
    "completion": "its folder is that of a shell",
    "open": "its notebook is not in the manifest",
    "run": "it runs until a signal",
    "sandbox serve": "it runs until a signal",
    "ui": "it runs until a signal",
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
    assert set(examples()) == {name for names in ORDER.values() for name in names} | set(NOT_RUN)


@pytest.fixture
def run(prepared, tmp_path):
    """A function that runs a line in a folder with one project; in a shell, where a line needs one."""
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "survey.yaml").write_text(MANIFEST)
    (tmp_path / "survey.sh").write_text(SCRIPT)
    (tmp_path / "reduce.OK").touch()
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "skaha-apply").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m skaha_apply "$@"\n')
    (programs / "skaha-apply").chmod(0o755)
    environment = {"LANG": os.environ.get("LANG", ""), "HOME": str(tmp_path)}
    environment["PATH"] = f"{programs}:{os.environ['PATH']}"
    given = {"cwd": tmp_path, "env": environment, "timeout": 120}

    def run(line):
        if set("|>$;&").isdisjoint(line):
            return prepared.run(shlex.split(line)[1:], **given)
        return subprocess.run(
            ["sh", "-c", line], **given, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )

    yield run
    run("skaha-apply sandbox stop")


@pytest.mark.parametrize("point", ORDER)
def test_the_examples_run_as_they_are_written(run, point):
    found = examples()
    for line in [*BEFORE[point], *(line for name in ORDER[point] for line in found[name] if ENDLESS not in line)]:
        made = run(line)
        assert made.returncode == EXPECTED.get(line, 0), f"{line}\n{made.stdout}\n{made.stderr}"
