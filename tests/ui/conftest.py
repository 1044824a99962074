"""A live page: the command as a process, and a browser as an HTTP client with a cookie jar."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from types import SimpleNamespace

import httpx
import pytest

from tests.acceptance.conftest import Desk
from tests.acceptance_remote import conftest as remote
from tests.acceptance_remote.conftest import Plain

serve = remote.serve


LIMIT_S = 60


class LivePage:
    """One `skaha-apply ui`. `open` uses its token; `data` is what a browser then gets."""

    def __init__(self, desk, *words):
        self.desk = desk
        self.process = desk.start("ui", "--no-browser", *words)
        self.address = self.process.stdout.readline().strip()
        assert self.address, self.process.stderr.read()
        self.errors = []
        self._reader = threading.Thread(target=lambda: self.errors.extend(self.process.stderr))
        self._reader.start()
        self.port = int(self.address.partition("/?")[0].rpartition(":")[2])
        self.token = self.address.partition("token=")[2]
        self.http = self.browser()

    def browser(self):
        """A client without a cookie. It follows no redirect, and gets no help from a proxy."""
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", trust_env=False, timeout=LIMIT_S)

    def open(self):
        reply = self.http.get("/", params={"token": self.token})
        assert reply.status_code == 303, reply.text
        return self

    def data(self):
        reply = self.http.get("/data.json")
        assert reply.status_code == 200, reply.text
        return reply.json()

    def counts(self):
        (project,) = self.data()["projects"]
        return {name: count for name, count in project["counts"].items() if count}

    def until(self, met):
        """Ask until `met()` is true, and give what it gave."""
        until = time.monotonic() + LIMIT_S
        while not (found := met()):
            assert time.monotonic() < until, "waited in vain"
            time.sleep(0.05)
        return found

    def stop(self, number=signal.SIGTERM):
        """Send a signal, and give the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(LIMIT_S)
        self.close()
        return code

    def close(self):
        """End the process, if it has not ended."""
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.http.close()
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture(scope="module")
def live_page():
    """A function that starts `ui` at a desk; ended with the module."""
    started = []

    def start(desk, *words):
        started.append(LivePage(desk, *words))
        return started[-1]

    yield start
    for page in started:
        page.close()


@pytest.fixture(scope="module")
def server_less(prepared, tmp_path_factory):
    """A desk whose server does not exist, so that a request to it would fail."""
    nowhere = SimpleNamespace(url="http://127.0.0.1:9/skaha/v1", token="a-token-that-nobody-asks-for")
    desk = Desk(prepared, tmp_path_factory.mktemp("desk"), nowhere)
    desk.write({"name": "tile", "replicas": 3, "cmd": "true"})
    return desk


@pytest.fixture(scope="module")
def finished(prepared, _shared_sandbox, tmp_path_factory):
    """A folder with a project whose three replicas are done."""
    desk = Desk(prepared, tmp_path_factory.mktemp("finished"), _shared_sandbox)
    desk.write({"name": "tile", "replicas": 3, "cmd": "true"})
    _shared_sandbox.settings(workdir=str(desk.folder))
    desk.apply("--wait", "complete", "--poll", "0.2s")
    return desk.folder


@pytest.fixture
def done_desk(finished, desk):
    """A desk with a copy of that project."""
    shutil.copytree(finished, desk.folder, dirs_exist_ok=True)
    return desk


@pytest.fixture
def desk(prepared, sandbox, tmp_path):
    return Desk(prepared, tmp_path, sandbox)


@pytest.fixture
def store(serve):
    """A store of states at an address."""
    return serve(Plain, auth=False)
