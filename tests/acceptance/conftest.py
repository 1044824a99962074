"""A desk: a folder with manifests, the command line as a process, and the sessions as the sandbox reports them."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

IMAGE = "images.canfar.net/skaha/astroml:24.07"
LIMIT_S = 120
FAST = ("--settle", "0.5s")


@dataclass(frozen=True)
class Ended:
    """How one command went; `screen` is what a terminal on standard input and error showed."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


class Desk:
    """Runs `skaha-apply` in `folder`; every run checks the exit code, and that no traceback or warning is shown."""

    def __init__(self, prepared, folder, sandbox):
        self.prepared = prepared
        self.folder = folder
        self.sandbox = sandbox
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        self.environment = {
            **kept,
            "HOME": str(folder / "home"),
            "TERM": "xterm",
            "PYTHONWARNINGS": "default",
            "SKAHA_URL": sandbox.url,
            "SKAHA_TOKEN": sandbox.token,
        }
        (folder / "home").mkdir(parents=True, exist_ok=True)

    def write(self, *sessions, project="survey", name="m.yaml", **top):
        """Write a manifest of sessions, each a mapping; an image is set unless given. JSON is YAML."""
        document = {"version": 1, "project": project, **top}
        document["sessions"] = [{"image": IMAGE, **session} for session in sessions]
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=1))
        return path

    def __call__(self, *words, code=0, stdin=None, cwd=None, check=True, **environment):
        """Run one command line to its end; `code` is the exit code it must have."""
        environment = {**self.environment, **environment}
        done = self.prepared.run(words, cwd=cwd or self.folder, env=environment, input=stdin, timeout=LIMIT_S)
        ended = Ended(done.returncode, done.stdout, done.stderr)
        if check:
            self.check(ended, code)
        return ended

    def check(self, ended, code=0):
        shown = f"--- stdout\n{ended.out}\n--- stderr\n{ended.err}"
        assert ended.code == code, f"exit code {ended.code}, not {code}\n{shown}"
        assert "Traceback" not in ended.err, shown
        assert "Warning" not in ended.err, shown
        assert self.sandbox is None or self.sandbox.token not in ended.out + ended.err, "the token is shown"

    def plan(self, *words, code=0, **environment):
        """The plan as JSON."""
        return self("plan", "-o", "json", *words, code=code, **environment).json

    def apply(self, *words, code=0, **environment):
        """Apply without a question; gives how it ended."""
        return self("apply", "--yes", *FAST, *words, code=code, **environment)

    def start(self, *words, **options):
        """Start one command line and return at once."""
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return self.prepared.start(words, cwd=self.folder, env=self.environment, **(given | options))

    def finish(self, process, code=0, *, check=True, limit=LIMIT_S):
        """Wait for what was started, at most `limit` seconds."""
        try:
            out, err = process.communicate(timeout=limit)
        finally:
            process.kill()
        ended = Ended(process.returncode, out or "", err or "")
        if check:
            self.check(ended, code)
        return ended

    def in_terminal(self, *words, answer, after="[y/N] ", code=0):
        """Run with a terminal on standard input and error; `answer` is typed (or sent) once `after` is shown."""
        ours, theirs = pty.openpty()
        process = self.start(*words, stdin=theirs, stderr=theirs)
        os.close(theirs)
        screen, typed, until = "", False, time.monotonic() + LIMIT_S
        try:
            while time.monotonic() < until:
                if select.select([ours], [], [], 0.05)[0]:
                    try:
                        screen += os.read(ours, 65536).decode(errors="replace")
                    except OSError:  # the other side is closed
                        break
                elif process.poll() is not None:
                    break
                if not typed and after in screen:
                    if isinstance(answer, signal.Signals):
                        process.send_signal(answer)
                    else:
                        os.write(ours, answer.encode())
                    typed = True
            out = process.communicate(timeout=LIMIT_S)[0]
        finally:
            process.kill()
            with suppress(OSError):
                os.close(ours)
        ended = Ended(process.returncode, out, screen)
        self.check(ended, code)
        assert typed, f"{after!r} was never shown:\n{screen}"
        return ended

    @property
    def state_path(self):
        (path,) = self.folder.glob(".skaha-apply/localhost/*.state.json")
        return path

    @property
    def state(self):
        """The state without its digest, as somebody who edits it by hand stores it."""
        state = json.loads(self.state_path.read_text())
        del state["digest"]
        return state

    def files(self):
        """Every file below the folder with its bytes, to check that nothing was written."""
        paths = [path for path in sorted(self.folder.rglob("*")) if path.is_file() and "home" not in path.parts]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in paths}

    def script(self, text, name="run.sh"):
        """Write a script that sessions run, `bash run.sh`, in place of what it was."""
        (self.folder / name).write_text(text)

    def live(self):
        """What the server lists, by name; a name that is there twice is an error."""
        rows = self.sandbox.get().json()
        found = {row["name"]: row for row in rows}
        assert len(found) == len(rows), Counter(row["name"] for row in rows).most_common(3)
        return found

    def writes(self):
        """How many requests came that change something, by method."""
        counts = Counter()
        for route, count in self.sandbox.requests(0)["counts"].items():
            method = route.split()[0]
            if method != "GET":
                counts[method] += count
        return dict(counts)

    def posts(self):
        """The creates, as they were sent."""
        return [one for one in self.sandbox.requests(5000)["requests"] if one["method"] == "POST"]


@pytest.fixture
def desk(prepared, sandbox, tmp_path):
    """A desk in a folder of its own, against the shared sandbox, whose sessions work in that folder too."""
    return Desk(prepared, tmp_path, sandbox)


@pytest.fixture
def desk_at(prepared):
    """A function that makes a desk in another folder, or for another sandbox."""
    return partial(Desk, prepared)


@pytest.fixture
def odd_server():
    """A function that starts a server of one handler(request) and gives its origin; ended with the test."""
    started = []

    def start(handler):
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        started.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server, thread in started:
        server.shutdown()
        server.server_close()
        thread.join(10)


def asking_for_a_password(asked):
    """A handler that responds as git over HTTP without a login, and appends each `Authorization` to `asked`."""

    class Asking(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.headers["Authorization"])
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Print nothing."""

    return Asking


@pytest.fixture
def one_line():
    """A function that checks a message: one error on standard error, with a hint, and nothing on standard output."""

    def check(ended, *said, hint=True):
        assert not ended.out, ended.out
        errors = [row for row in ended.err.splitlines() if row.startswith("error")]
        assert len(errors) == 1, ended.err
        for one in said:
            assert re.search(one, ended.err), f"{one!r} is not said in:\n{ended.err}"
        assert not hint or len(ended.err.strip().splitlines()) > 1, f"no way out in:\n{ended.err}"

    return check


class Watched:
    """A command that is left running; `screen` is all that it has shown so far, in a terminal or a pipe."""

    def __init__(self, desk, *words, terminal, size=(24, 80)):
        self._ours, theirs = pty.openpty() if terminal else os.pipe()
        if terminal:
            fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
        self.process = desk.start(*words, stdout=theirs, stderr=theirs)
        os.close(theirs)
        self.screen = ""
        self._until = time.monotonic() + LIMIT_S

    def _read(self, seconds):
        """Read the output of some seconds; False at its end."""
        if not select.select([self._ours], [], [], seconds)[0]:
            return True
        try:
            new = os.read(self._ours, 65536)
        except OSError:  # the other side is closed
            new = b""
        self.screen += new.decode(errors="replace")
        return bool(new)

    def until(self, text):
        """Wait until a text has been shown; gives all that was."""
        while text not in self.screen:
            assert time.monotonic() < self._until, f"{text!r} was not shown:\n{self.screen}"
            assert self._read(0.1) or text in self.screen, f"{text!r} was not shown:\n{self.screen}"
        return self.screen

    def resize(self, lines, columns):
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def stop(self):
        """Ctrl-C; gives the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self):
        """Wait for its end; gives the exit code."""
        while self._read(0.1):
            assert time.monotonic() < self._until, f"it did not end:\n{self.screen}"
        assert "Traceback" not in self.screen, self.screen
        return self.process.wait(LIMIT_S)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.fixture
def watched(desk):
    """A function that starts a command and lets it run: `watched("status", "--watch", terminal=True)`."""
    started = []

    def start(*words, **how):
        started.append(Watched(desk, *words, **how))
        return started[-1]

    yield start
    for one in started:
        one.close()
