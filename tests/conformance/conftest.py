"""The published clients, each installed once in an environment of its own and run as a program."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "clients"
DRIVERS = Path(__file__).parent / "drivers"
# The `create` command of canfar 1.5.2 fails with newer versions of typer.
CLIENTS = {"canfar": ("1.5.2", ["typer<0.29"]), "skaha": ("1.7.0", [])}


@dataclass(frozen=True)
class Client:
    """A client's environment, and the home in which it runs: never the user's own."""

    bin: Path
    home: Path

    def run(self, command, **variables):
        environment = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "TERM": "dumb",
            "COLUMNS": "200",
            **variables,
        }
        words = [str(self.bin / command[0]), *map(str, command[1:])]
        done = subprocess.run(
            words, env=environment, cwd=self.home, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def drive(self, script, *arguments, **variables):
        lines = self.run(["python", DRIVERS / script, *arguments], **variables).strip().splitlines()
        return json.loads(lines[-1])


def installed(name):
    """Give the bin folder of a client's environment; it is made when it is not there, by one process at a time."""
    version, constraints = CLIENTS[name]
    place = CACHE / f"{name}-{version}-py{sys.version_info.major}.{sys.version_info.minor}"
    complete = place / "complete"
    CACHE.mkdir(parents=True, exist_ok=True)
    with place.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            _install(place, [f"{name}=={version}", *constraints])
            complete.touch()
    return place / "bin"


def _install(place, packages):
    """Install packages in a new environment: by uv in seconds, and by pip where uv is missing or fails."""
    shutil.rmtree(place, ignore_errors=True)
    if uv := shutil.which("uv"):
        made = _done([uv, "--quiet", "venv", "--python", sys.executable, place])
        if made.returncode == 0 and not _done([uv, "pip", "install", "--python", place, *packages]).returncode:
            return
        shutil.rmtree(place, ignore_errors=True)
    _run([sys.executable, "-m", "venv", place])
    pip = [place / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run([*pip, *packages])


def _run(command):
    done = _done(command)
    if done.returncode != 0:
        pytest.fail(f"{command}\n{done.stderr}\nwithout a network: pytest -m 'not clients'")


def _done(command):
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    words = [str(word) for word in command]
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def client(tmp_path_factory):
    """A function that gives an installed client by name, with a home of its own."""
    return lambda name: Client(installed(name), tmp_path_factory.mktemp(f"home-{name}"))
