"""An idle wait writes nothing: counted in writes, serials and requests, and it loses nothing when it is killed."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from contextlib import contextmanager

import pytest

import skaha_apply
from skaha_apply.model.report import PassEnded

IMAGE = "images.canfar.net/skaha/astroml:24.07"
RUNNING = {"name": "reduce", "replicas": 3, "cmd": "sleep", "args": ["600"]}


@pytest.fixture
def notebook(desk, monkeypatch):
    """This process in the folder of the desk, with its surroundings."""
    monkeypatch.chdir(desk.folder)
    for name in ("HOME", "SKAHA_URL", "SKAHA_TOKEN"):
        monkeypatch.setenv(name, desk.environment[name])
    for name in ("CI", "CANFAR_URL", "CANFAR_TOKEN", "TF_HTTP_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    return desk


def signature(path):
    status = path.stat()
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def lists(sandbox):
    return sandbox.requests(0)["counts"].get("GET /session", 0)


def all_run(desk):
    return all(one["phase"] == "running" for one in desk.state["replicas"])


def wait_idly(desk, sandbox, observe, **apply):
    """Wait for sessions that run until `observe` has seen enough passes and raises."""

    async def work():
        async with skaha_apply.connect() as skaha:
            project = skaha_apply.load("m.yaml")
            await skaha.apply(project)
            sandbox.wait_until(lambda: {one["status"] for one in desk.live().values()} == {"Running"})
            await skaha.apply(project)
            await skaha.apply(project, wait="complete", poll=0.05, observe=observe, **apply)

    with pytest.raises(EnoughError):
        asyncio.run(work())


class EnoughError(Exception):
    """The test has seen enough."""


@pytest.mark.parametrize(
    ("session", "top"),
    [
        (RUNNING, {}),
        (
            {**RUNNING, "ram": 4, "cores": 1, "retries": 2, "retry_ram": [8, 16]},
            {"notify": {"command": ["touch", "sent"]}, "moved": [{"from": "fit", "to": "reduce"}]},
        ),
    ],
)
def test_ten_idle_passes_list_once_each_and_write_no_byte(notebook, sandbox, monkeypatch, session, top):
    notebook.write(session, **top)
    seen, hashed = [], []
    made = hashlib.sha256

    def counted(text=b"", **given):
        hashed.extend([text] * text.startswith(b"{"))  # JSON: a spec or its work, not the approval
        return made(text, **given)

    monkeypatch.setattr(hashlib, "sha256", counted)

    def observe(event):
        if isinstance(event, PassEnded):
            seen.append((signature(notebook.state_path), notebook.state["serial"], len(hashed), lists(sandbox)))
            if len(seen) == 11:
                raise EnoughError

    wait_idly(notebook, sandbox, observe)
    assert all_run(notebook)
    assert len({one[:3] for one in seen}) == 1
    assert hashed
    assert not (notebook.folder / "sent").exists()
    assert [after[3] - before[3] for before, after in itertools.pairwise(seen)] == [1] * 10


def test_an_idle_wait_stores_newer_times_every_two_minutes(notebook, sandbox):
    notebook.write(RUNNING)
    serials = []

    def observe(event):
        if isinstance(event, PassEnded):
            serials.append(notebook.state["serial"])
            sandbox.clock(50)
            if len(serials) == 10:
                raise EnoughError

    wait_idly(notebook, sandbox, observe)
    assert [after - before for before, after in itertools.pairwise(serials)] == [0, 0, 1] * 3


def test_what_another_process_writes_between_two_passes_counts(notebook, sandbox):
    notebook.write(RUNNING)
    serials = []

    def observe(event):
        if isinstance(event, PassEnded):
            serials.append(notebook.state["serial"])
            if len(serials) == 2:
                sandbox.clock(130)
                notebook("refresh")
            if len(serials) == 4:
                notebook("state", "forget", "reduce/3")
                sandbox.clock(130)
            if len(serials) == 6:
                raise EnoughError

    wait_idly(notebook, sandbox, observe)
    first = serials[0]
    assert serials == [first, first, first + 1, first + 1, first + 3, first + 3]  # refresh; forget and this process
    assert [one["replica"] for one in notebook.state["replicas"]] == [1, 2]


def test_an_apply_that_changes_nothing_leaves_the_state_as_it_is(desk, sandbox):
    desk.write(RUNNING)
    desk.apply()
    sandbox.wait_until(lambda: {one["status"] for one in desk.live().values()} == {"Running"})
    desk.apply()
    before, serial = signature(desk.state_path), desk.state["serial"]
    for _ in range(2):
        desk.apply()
        desk("refresh")
    assert (signature(desk.state_path), desk.state["serial"]) == (before, serial)


def test_requests_of_an_apply_are_its_creates_and_two_lists(desk, sandbox):
    desk.write({**RUNNING, "replicas": 8})
    sandbox.create(name="other", cmd="sleep", args="600")  # an empty list would be read twice
    sandbox.forget_requests()
    desk.apply()
    counts = sandbox.requests(0)["counts"]
    assert counts == {"POST /session": 8, "GET /session": 2}


@pytest.mark.parametrize(("later", "creates", "phases"), [(180, 1, {"pending", "running"}), (400, 0, {"unknown"})])
def test_a_session_that_disappears_after_a_kill_is_decided_by_its_last_listing(desk, sandbox, later, creates, phases):
    """Rows 14a and 14b: a stored time is less than two minutes older than the last listing of a killed wait."""
    desk.write({**RUNNING, "replicas": 1})
    desk.apply()
    sandbox.wait_until(lambda: {one["status"] for one in desk.live().values()} == {"Running"})
    with killed_at_the_end(desk.start("apply", "--yes", "--wait", "complete", "--poll", "0.1")):
        sandbox.wait_until(lambda: all_run(desk))
        for _ in range(3):
            sandbox.clock(100)
            more = lists(sandbox) + 3
            sandbox.wait_until(lambda wanted=more: lists(sandbox) >= wanted)
    (session,) = desk.live().values()
    sandbox.delete(session["id"])
    sandbox.wait_until(lambda: not desk.live())
    sandbox.clock(later)
    sandbox.forget_requests()
    desk("apply", "--yes", check=False)
    assert len(desk.posts()) == creates
    assert desk.state["replicas"][0]["phase"] in phases


@contextmanager
def killed_at_the_end(process):
    """Kill a process with SIGKILL, as it is at the end of the block."""
    try:
        yield
    finally:
        process.kill()
        process.communicate()
