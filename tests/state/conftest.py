"""States to store, and stores of state on loopback: one as Terraform's http backend asks for, one as GitLab behaves."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import subprocess
import time
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from skaha_apply.model.session import Phase
from skaha_apply.model.spec import SessionSpec
from skaha_apply.model.state import ReplicaRecord, StateDocument
from skaha_apply.state.clocks import Clocks
from skaha_apply.state.codec import decode

LINEAGE = "0d7f6f2e-4a0b-4f5e-9a44-0c5d3b1f9a10"


def document(serial: int = 1, replicas: int = 3, **changes) -> StateDocument:
    spec = SessionSpec(name="reduce", image="images.canfar.net/skaha/astroml:24.07", replicas=max(replicas, 1))
    records = tuple(
        ReplicaRecord(
            session="reduce",
            replica=replica,
            name=f"reduce-{replica}",
            spec="s1",
            work="sha256:" + "a" * 64,
            run="sha256:" + "b" * 64,
            phase=Phase.RUNNING,
            id=f"id{replica:06d}",
            accepted=1_700_000_000.125,
        )
        for replica in range(1, replicas + 1)
    )
    given = {"lineage": LINEAGE, "project": "survey", "server": "ws-uv.canfar.net/skaha/v1"} | changes
    return StateDocument(serial=serial, specs={"s1": spec}, replicas=records, **given)


@pytest.fixture
def make_document():
    return document


class Machine:
    """A machine whose wall clock is `ahead` by some seconds; `sleep` lets time pass that nothing ran in."""

    def __init__(self, ahead=0.0):
        self.ahead = ahead
        self._slept = 0.0
        self.clocks = Clocks(wall=lambda: time.time() + self.ahead + self._slept, running=self._running)

    def _running(self):
        return time.monotonic() + self._slept

    def sleep(self, seconds):
        self._slept += seconds


@pytest.fixture
def make_machine():
    return Machine


GITLAB_PATH = "/api/v4/projects/7/terraform/state/survey"


@dataclass
class Request:
    method: str
    path: str
    query: dict
    headers: dict
    body: bytes

    @property
    def asked_id(self):
        return json.loads(self.body)["ID"] if self.body else None


@dataclass
class PlainBackend:
    """A plain backend: LOCK and UNLOCK on the state's own address, no check of serials.

    `faults` answers the next requests of a method instead: a status, or a pair of it and a body; `drop` before any
    effect, `lose` after it, `hang` for ever, `slow` for half a second. `naive` frees a lock with any ID. Its
    clock is `ahead` of this machine's by this number of seconds; without `dated` it sends no `Date`.
    """

    user: ClassVar = "anna"
    password: ClassVar = "s3cr3t-päss"
    checks_serials: ClassVar = False
    lock_method: ClassVar = "LOCK"
    unlock_method: ClassVar = "UNLOCK"

    state: bytes | None = None
    lock: dict | None = None
    naive: bool = False
    ahead: float = 0.0
    dated: bool = True
    auth: bool = True
    faults: dict = field(default_factory=dict)
    requests: list = field(default_factory=list)
    headers: dict = field(default_factory=dict)
    path: str = "/state/survey"

    async def __aenter__(self):
        self._serving = set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**24)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}{self.path}"

    @property
    def lock_id(self):
        return self.lock["ID"]

    @property
    def stored(self):
        return decode(self.state, "server")

    def put(self, data):
        """Store it past the protocol, as somebody without the lock would."""
        self.state = data

    async def until(self, met):
        """Wait until `met()` is true of what the server saw."""
        async with asyncio.timeout(30):
            while not met():  # noqa: ASYNC110 - what is polled is a server's state, not an event of this process
                await asyncio.sleep(0.01)

    def fail(self, method, *faults):
        self.faults.setdefault(method, []).extend(faults)

    def seen(self, method):
        return [request for request in self.requests if request.method == method]

    async def _serve(self, reader, writer):
        self._serving.add(asyncio.current_task())
        try:
            while (request := await self._read(reader)) is not None:
                self.requests.append(request)
                if not await self._reply(request, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _read(self, reader):
        line = (await reader.readline()).decode()
        if not line:
            return None
        method, target, _ = line.split()
        headers = {}
        while (line := (await reader.readline()).decode().strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        parts = urlsplit(target)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        return Request(method, parts.path, query, headers, body)

    async def _reply(self, request, writer):
        fault = self.faults[request.method].pop(0) if self.faults.get(request.method) else None
        if fault == "drop":
            return False
        if fault == "hang":
            await asyncio.sleep(3600)
        if fault == "slow":
            await asyncio.sleep(0.5)
        if isinstance(fault, int):
            answer = (fault, b"told to fail")
        elif isinstance(fault, tuple):
            answer = fault
        else:
            answer = self._checked(request)
        if fault == "lose":
            return False
        status, body = answer
        given = {"Date": formatdate(time.time() + self.ahead, usegmt=True)} if self.dated else {}
        head = "".join(f"{name}: {value}\r\n" for name, value in (given | self.headers).items())
        head += f"Content-Length: {len(body)}\r\n" if status != 204 else ""
        bare = status == 204 or request.method == "HEAD"
        writer.write(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + (b"" if bare else body))
        await writer.drain()
        return True

    def _checked(self, request):
        wanted = "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if self.auth and request.headers.get("authorization") != wanted:
            return 401, f"no account {request.headers.get('authorization')}".encode()
        if request.body:
            digest = base64.b64encode(hashlib.md5(request.body).digest()).decode()
            if request.headers.get("content-md5") != digest or request.headers["content-type"] != "application/json":
                return 400, b"wrong Content-MD5 or Content-Type"
        return self.answer(request)

    def answer(self, request):
        if request.path != self.path:
            return 404, b"no such path"
        return getattr(self, f"on_{request.method.lower()}", lambda _: (405, b"no such method"))(request)

    def on_get(self, request):
        return (200, self.state) if self.state is not None else (404, b"")

    def on_post(self, request):
        if self.lock is not None and request.query.get("ID") != self.lock["ID"]:
            return 423, json.dumps(self.lock).encode()
        self.state = request.body
        return 200, b""

    def on_delete(self, request):
        self.state = None
        return 200, b""

    def on_lock(self, request):
        if self.lock is not None:
            return 423, json.dumps(self.lock).encode()
        self.lock = json.loads(request.body)
        assert {"ID", "Operation", "Info", "Who", "Version", "Created", "Path"} <= set(self.lock)
        return 200, b""

    def on_unlock(self, request):
        if not self.naive and (self.lock is None or self.lock["ID"] != request.asked_id):
            return 409, b"not that lock"
        self.lock = None
        return 200, b""


@dataclass
class GitLab(PlainBackend):
    """GitLab-managed state [lib/api/terraform/state.rb, app/services/terraform/remote_state_handler.rb].

    Its lock keeps the ID, the account and the time; a conflict echoes the rest of the caller's request. The version
    with the highest serial is the state, a serial used before is 422, a state that was locked but not written 204.
    """

    checks_serials: ClassVar = True
    lock_method: ClassVar = "POST"
    unlock_method: ClassVar = "DELETE"

    versions: dict = field(default_factory=dict)
    exists: bool = False
    path: str = GITLAB_PATH

    @property
    def stored(self):
        return decode(self.versions[max(self.versions)], "server")

    def put(self, data):
        self.versions[json.loads(data)["serial"]] = data

    def answer(self, request):
        if request.path == f"{self.path}/lock":
            name = {"POST": "gitlab_lock", "DELETE": "gitlab_unlock"}.get(request.method)
            return getattr(self, name)(request) if name else (405, b"")
        return super().answer(request)

    def gitlab_lock(self, request):
        self.exists = True
        asked = json.loads(request.body)
        status = 200 if self.lock is None else 409
        if status == 200:
            self.lock = {"ID": asked["ID"], "Who": "anna-at-gitlab", "Created": "2026-11-22T10:00:00.123Z"}
            assert len(asked["ID"]) <= 255
        echo = {key: asked[key] for key in ("Operation", "Info", "Version", "Path")}
        return status, json.dumps(echo | self.lock).encode()

    def gitlab_unlock(self, request):
        if request.asked_id is not None and request.asked_id != (self.lock or {}).get("ID"):
            return 409, b""
        self.lock = None
        return 200, b""

    def on_get(self, request):
        if not self.exists:
            return 404, b'{"message":"404 Not found"}'
        return (200, self.versions[max(self.versions)]) if self.versions else (204, b"")

    def on_post(self, request):
        if request.query.get("ID") != (self.lock or {}).get("ID"):
            return 500, b'{"message":"500 Internal Server Error"}'  # its lock error is not caught there
        serial = json.loads(request.body)["serial"]
        if serial in self.versions:
            return 422, b'{"message":"PG::UniqueViolation"}'
        self.exists = True
        self.versions[serial] = request.body
        return 200, b""

    def on_delete(self, request):
        self.exists, self.versions, self.lock = False, {}, None
        return 200, b""


@pytest.fixture
def plain():
    return PlainBackend


@pytest.fixture
def gitlab():
    return GitLab


@pytest.fixture(params=[PlainBackend, GitLab])
def dialect(request):
    return request.param


def git_repository(path):
    """A bare repository."""
    subprocess.run(["git", "init", "--quiet", "--bare", str(path)], check=True)
    return path


@pytest.fixture
def repository(tmp_path):
    return git_repository(tmp_path / "remote.git")


class Notes(list):
    """An observer that keeps the texts of the notes."""

    def __call__(self, note):
        self.append(note.text)


@pytest.fixture
def notes():
    return Notes()
