"""A desk whose state lives in a store over http on loopback, slow or failing as ordered; and another one without."""

from __future__ import annotations

import asyncio
import base64
import subprocess
from threading import Thread

import pytest

from tests.acceptance import conftest as acceptance
from tests.acceptance.conftest import Desk
from tests.state.conftest import GitLab, PlainBackend

odd_server, one_line = acceptance.odd_server, acceptance.one_line


class Ordered:
    """Orders for a store: `delay` seconds before each response, and `rule(request)`, which may name a fault.

    It gets `slow` with the first request that `slow_from(request)` is true of.

    Faults are those of the stores of tests/state. A client that goes away does not stop what it asked for.
    """

    delay = 0.0
    answered = 0
    slow = 5.0
    slow_from = None
    rule = None

    async def _reply(self, request, writer):
        if self.slow_from and self.slow_from(request):
            self.delay = self.slow
        if self.delay:
            await asyncio.sleep(self.delay)
        fault = self.rule(request) if self.rule else None
        if fault is not None:
            self.faults.setdefault(request.method, []).insert(0, fault)
        try:
            return await super()._reply(request, writer)
        finally:
            self.answered += 1

    def is_write(self, request):
        """Whether a request would store a state (at GitLab the lock is a POST too)."""
        return request.method == "POST" and request.path == self.path


class Plain(Ordered, PlainBackend):
    pass


class OrderedGitLab(Ordered, GitLab):
    pass


class GitLabStates(OrderedGitLab):
    """GitLab with a state of each name: `address` has `{project}`, and `states` the stores by name."""

    async def __aenter__(self):
        self.states = {}
        return await super().__aenter__()

    @property
    def address(self):
        return super().address.replace("/survey", "/{project}")

    def answer(self, request):
        name = request.path.removeprefix(self.path.removesuffix("survey")).partition("/")[0]
        if name not in self.states:
            self.states[name] = GitLab(path=self.path.replace("/survey", f"/{name}"))
        return self.states[name].answer(request)


def counting_repository(path):
    """Make a bare repository that counts pushes, also one that changes nothing in the end; see `pushes`."""
    subprocess.run(["git", "init", "--quiet", "--bare", path], check=True)
    hook = path / "hooks" / "pre-receive"
    hook.write_text('#!/bin/sh\necho >> "$GIT_DIR/pushes"\n')
    hook.chmod(0o755)
    return path


def pushes(repository):
    """The number of pushes that a repository of `counting_repository` has got."""
    file = repository / "pushes"
    return len(file.read_text()) if file.exists() else 0


@pytest.fixture
def gitlab_states():
    return GitLabStates


@pytest.fixture
def serve():
    """A function that starts a store of a kind in a thread, and gives it; ended with the test."""
    started = []

    def start(kind, **options):
        loop = asyncio.new_event_loop()
        thread = Thread(target=loop.run_forever, daemon=True)
        thread.start()
        server = kind(**options)
        asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result(10)
        started.append((server, loop, thread))
        return server

    yield start
    for server, loop, thread in started:
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@pytest.fixture(params=[Plain, OrderedGitLab], ids=["plain", "gitlab"])
def store(request, serve):
    """A store of each dialect."""
    return serve(request.param)


@pytest.fixture
def plain(serve):
    """A store as Terraform's http backend asks for, and no more."""
    return serve(Plain)


@pytest.fixture
def gitlab(serve):
    """A store as GitLab has it."""
    return serve(OrderedGitLab)


class RemoteDesk(Desk):
    """A desk with `TF_HTTP_*` of one store; no output may hold the password, whatever was asked for."""

    def __init__(self, prepared, folder, sandbox, store):
        super().__init__(prepared, folder, sandbox)
        self.use(store)

    def use(self, store, *, address=True):
        """From now on the state is in this store."""
        self.store = store
        self.environment |= {
            "TF_HTTP_USERNAME": store.user,
            "TF_HTTP_PASSWORD": store.password,
            "TF_HTTP_RETRY_WAIT_MIN": "0",
        }
        self.environment.pop("TF_HTTP_ADDRESS", None)
        if address:
            self.environment["TF_HTTP_ADDRESS"] = store.address

    def check(self, ended, code=0):
        super().check(ended, code)
        shown = ended.out + ended.err
        basic = base64.b64encode(f"{self.store.user}:{self.store.password}".encode()).decode()
        assert self.store.password not in shown, "the password is shown"
        assert basic not in shown, "the credential is shown"

    @property
    def rescue(self):
        return self.folder / ".skaha-apply" / "localhost" / "survey.state.rescue.json"

    def once_each(self, *names):
        """Each of these is live and was created once, and nothing else was created."""
        assert sorted(self.live()) == sorted(names)
        assert len(self.sandbox.sessions()) == len(names)


@pytest.fixture
def remote_desk(prepared, sandbox, tmp_path, store):
    """A desk with its state in a store of each dialect."""
    return RemoteDesk(prepared, tmp_path, sandbox, store)


@pytest.fixture
def plain_desk(prepared, sandbox, tmp_path, plain):
    """A desk with its state in a plain store."""
    return RemoteDesk(prepared, tmp_path, sandbox, plain)


@pytest.fixture
def gitlab_desk(prepared, sandbox, tmp_path, gitlab):
    """A desk with its state at GitLab."""
    return RemoteDesk(prepared, tmp_path, sandbox, gitlab)


@pytest.fixture
def desk(prepared, sandbox, tmp_path):
    """A desk with its state in a file."""
    return Desk(prepared, tmp_path, sandbox)
