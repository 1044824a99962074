"""The command as users run it: a process of its own, in a folder of its own, against a sandbox."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from contextlib import suppress

import pytest

MANIFEST = """\
version: 1
project: survey
defaults: {image: "images.canfar.net/skaha/astroml:24.07", cores: 1, ram: 4}
sessions:
  - {name: reduce, replicas: 3, cmd: bash, args: [run.sh, r]}
"""
WAIT_S = 60


class Command:
    """Runs `skaha-apply` in a folder; `environment` is what is added to a clean one."""

    def __init__(self, prepared, folder, server, token):
        self.prepared = prepared
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "PYTHONPATH")}
        self.environment = {**kept, "HOME": str(folder), "SKAHA_URL": server, "SKAHA_TOKEN": token, "TERM": "xterm"}

    def manifest(self, text=MANIFEST, name="m.yaml"):
        (self.folder / name).write_text(text)

    def __call__(self, *arguments, **more):
        return self.prepared.run(arguments, timeout=WAIT_S, **self._given(more))

    def start(self, *arguments, **more):
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return self.prepared.start(arguments, **given | self._given(more))

    def _given(self, more):
        return {"cwd": self.folder, "env": self.environment, "warn": ["error::ResourceWarning"], **more}

    def in_terminal(self, *arguments, answer=None, after="[y/N] ", press=None):
        """Run with a terminal on standard input and error; gives exit code, standard output, and the screen.

        Once `after` is on the screen, `answer` is typed or `press(process)` is called.
        """
        ours, theirs = pty.openpty()
        process = self.start(*arguments, stdin=theirs, stderr=theirs)
        os.close(theirs)
        screen, until = "", time.monotonic() + WAIT_S
        acted = False
        while time.monotonic() < until:
            if select.select([ours], [], [], 0.05)[0]:
                try:
                    screen += os.read(ours, 65536).decode(errors="replace")
                except OSError:  # the other side is closed
                    break
            elif process.poll() is not None:
                break
            if not acted and after in screen:
                acted = True
                if answer is not None:
                    os.write(ours, answer.encode())
                if press is not None:
                    press(process)
        out = process.communicate(timeout=WAIT_S)[0]
        with suppress(OSError):
            os.close(ours)
        return process.returncode, out, screen


@pytest.fixture
def command(prepared, sandbox, tmp_path):
    (tmp_path / "run.sh").write_text('echo "$1 $REPLICA_ID of $REPLICA_COUNT"\n')
    made = Command(prepared, tmp_path, sandbox.url, sandbox.token)
    made.manifest()
    return made
