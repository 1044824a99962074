"""The server process: start, one server for each data folder, normal and abrupt ends, restarts, and load."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
import uvicorn

from skaha_apply.sandbox import SandboxError, SandboxOptions, ensure, status, stop
from skaha_apply.sandbox.server import server_config
from skaha_apply.skaha.transport.connections import IDLE

IMAGE = "images.canfar.net/skaha/astroml:24.07"


def lives(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def data(tmp_path):
    """A data folder; its sandbox, if any, is stopped after the test."""
    folder = tmp_path / "detached"
    yield folder
    stop(folder)


def options(data, tmp_path, **kwargs):
    return SandboxOptions(data=data, workdir=tmp_path, **kwargs)


def run(*arguments):
    command = [sys.executable, "-m", "skaha_apply.sandbox", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("where", "problem"), [("&-", "it is closed"), ("/dev/full", "No space left on device")])
def test_a_sandbox_whose_address_cannot_be_printed_serves(data, where, problem):
    """And no file of the sandbox gets the number of a closed descriptor."""
    if where == "/dev/full" and not Path(where).exists():
        pytest.skip("this system has no full device")
    words = ["sh", "-c", f'exec "$@" >{where}', "sh", sys.executable, "-m", "skaha_apply.sandbox"]
    with subprocess.Popen([*words, "serve", "--data", str(data)], stderr=subprocess.PIPE) as process:
        while status(data) is None and process.poll() is None:
            time.sleep(0.05)
        running = psutil.Process(process.pid)
        assert [one.path for one in running.open_files() if 0 < one.fd <= 2 and one.path != "/dev/full"] == []
        shown = subprocess.run([*words, "status", "--data", str(data)], capture_output=True, text=True, check=False)
        assert (shown.returncode, shown.stderr) == (1, f"error: cannot write to standard output: {problem}\n")
        process.terminate()
        assert (process.wait(60), process.stderr.read()) == (0, b"")


def test_ensure_starts_one_and_finds_it_again(data, tmp_path):
    assert status(data) is None
    first = ensure(options(data, tmp_path))
    assert first.url.endswith("/skaha/v1")
    assert first.url.startswith("http://127.0.0.1:")
    again = ensure(options(data, tmp_path))
    assert (again.url, again.pid, again.token) == (first.url, first.pid, first.token)
    assert status(data) == again
    reply = httpx.get(f"{first.url}/session", headers={"Authorization": f"Bearer {first.token}"}, trust_env=False)
    assert reply.json() == []
    assert stat.S_IMODE((data / "server.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert first.token not in " ".join(psutil.Process(first.pid).cmdline())
    assert stop(data) is True
    assert not lives(first.pid)
    assert not (data / "server.json").exists()
    assert stop(data) is False
    assert ensure(options(data, tmp_path)).token == first.token


def test_two_ensures_at_once_get_the_same(data, tmp_path):
    program = (
        "import sys, pathlib; from skaha_apply.sandbox import SandboxOptions, ensure; "
        "print(ensure(SandboxOptions(data=pathlib.Path(sys.argv[1]))).pid)"
    )
    command = [sys.executable, "-c", program, str(data)]
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(subprocess.run, command, capture_output=True, text=True, check=True) for _ in range(3)]
        pids = {future.result().stdout.strip() for future in futures}
    assert pids == {str(status(data).pid)}


def test_ensure_states_why_it_cannot_start(data, tmp_path):
    with pytest.raises(SandboxError, match=r"the working directory .* does not exist"):
        ensure(SandboxOptions(data=data, workdir=tmp_path / "nowhere"))
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(SandboxError, match="file"):
        ensure(SandboxOptions(data=blocked, workdir=tmp_path))


def test_stale_record_of_another_process_is_not_a_sandbox(data, tmp_path):
    data.mkdir()
    record = {"url": "http://127.0.0.1:9/skaha/v1", "token": "t", "pid": os.getpid(), "birth": "1"}
    (data / "server.json").write_text(json.dumps(record))
    assert status(data) is None
    assert stop(data) is False
    assert ensure(options(data, tmp_path)).pid != os.getpid()


@pytest.mark.parametrize("record", ["", "{", "[]", "5", '{"pid": "x", "url": 1, "token": 2, "birth": 3}'])
def test_record_that_cannot_be_read_is_not_a_sandbox(data, record):
    data.mkdir()
    (data / "server.json").write_text(record)
    assert status(data) is None
    assert stop(data) is False


def test_second_server_on_one_data_folder_is_refused(fresh_sandbox):
    first = fresh_sandbox()
    second = run("serve", "--data", first.data)
    assert second.returncode == 1
    assert "runs on" in second.stderr
    assert "Traceback" not in second.stderr
    assert first.get().status_code == 200


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "99999999"], "port"),
        (["--slots", "0"], "slots"),
        (["--workdir", "/no/such/folder"], "working directory"),
        (["--image", "short"], "not an image"),
        (["--account", "only-a-token"], "TOKEN=USERID"),
        (["--port-file", "/no/such/folder/port"], "port"),
    ],
)
def test_bad_options_are_one_clear_message(tmp_path, arguments, words):
    done = run("serve", "--data", tmp_path / "data", *arguments)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_damaged_journal_is_one_clear_message(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "sandbox.sqlite3").write_text(
        "this is not a database, but long enough to look like a file of some kind" * 99
    )
    done = run("serve", "--data", data)
    assert done.returncode == 1
    assert "sandbox.sqlite3" in done.stderr
    assert "Traceback" not in done.stderr


def test_commands(fresh_sandbox):
    own = fresh_sandbox()
    own.create(type="notebook")
    shown = run("status", "--data", own.data)
    assert shown.returncode == 0
    assert own.url in shown.stdout
    assert "1 running" in shown.stdout
    assert run("stop", "--data", own.data).stdout == "stopped\n"
    assert own.process.wait(30) == 0
    assert run("status", "--data", own.data).returncode == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_ends_it_orderly_with_all_processes(fresh_sandbox, number):
    own = fresh_sandbox("--grace", "0.5")
    (own.workdir / "stay.sh").write_text("trap '' TERM\nsleep 600 & wait; wait; sleep 600")
    batch = own.create(cmd="bash", args="stay.sh").text.strip()
    own.create(type="notebook")
    own.wait_until(lambda: own.get(f"/session/{batch}").json()["status"] == "Running")
    pids = [one["pid"] for one in own.sessions()]
    pids += [child.pid for pid in pids for child in psutil.Process(pid).children(recursive=True)]
    own.process.send_signal(number)
    assert own.process.wait(30) == 0
    assert not any(lives(pid) for pid in pids)
    assert not (own.data / "server.json").exists()
    assert not (own.data.parent / "port").exists()


def test_idle_server_ends_by_itself(fresh_sandbox):
    own = fresh_sandbox("--idle", "1")
    (own.workdir / "wait.sh").write_text("while [ ! -e go ]; do sleep 0.05; done")
    own.create(cmd="bash", args="wait.sh")
    with pytest.raises(subprocess.TimeoutExpired):
        own.process.wait(2)
    (own.workdir / "go").touch()
    assert own.process.wait(30) == 0


def test_restart_keeps_what_was(fresh_sandbox):
    own = fresh_sandbox(slots=1)
    done = own.create(name="done", cmd="echo", args="words").text.strip()
    own.wait_until(lambda: own.get(f"/session/{done}").json()["status"] == "Completed")
    deleted = own.create(name="deleted", cmd="true").text.strip()
    own.delete(deleted)
    own.create(name="running", cmd="sleep", args="600")
    own.wait_until(lambda: own.get(status="Running").json())
    own.create(name="queued", cmd="true")
    desk = own.create(name="desk", type="notebook").text.strip()
    own.clock(100)
    before = {one["name"]: one for one in own.get().json()}
    own.close()

    again = fresh_sandbox(slots=1)
    again.wait_until(lambda: not again.get(status="Pending").json())
    again.wait_until(lambda: again.status()["active"] == 1)
    after = {one["name"]: one for one in again.get().json()}
    assert {name: one["status"] for name, one in after.items()} == {
        "done": "Completed",
        "running": "Failed",
        "queued": "Completed",
        "desk": "Running",
    }
    assert after["done"] == before["done"]
    assert after["desk"]["id"] == desk
    assert again.get(f"/session/{done}", view="logs").text == "words\n"
    assert "sandbox was stopped" in again.get(f"/session/{after['running']['id']}", view="events").text
    assert again.status()["clock_offset"] == 100
    assert deleted in {one["id"] for one in again.sessions()}


def test_restart_after_kill_9_ends_orphans_and_nobody_else(fresh_sandbox):
    own = fresh_sandbox()
    (own.workdir / "family.sh").write_text("sleep 600 & echo $! > child; wait")
    (own.workdir / "orphan.sh").write_text("(sleep 601 & echo $! > grandchild); exec sleep 602")
    running = own.create(cmd="bash", args="family.sh").text.strip()
    own.create(cmd="bash", args="orphan.sh", name="two")
    stopping = own.create(cmd="bash", args="family.sh", name="three").text.strip()
    own.create(type="notebook", name="desk")
    files = [own.workdir / name for name in ("child", "grandchild")]
    own.wait_until(lambda: all(path.exists() and path.read_text().strip() for path in files))
    own.wait_until(lambda: len(own.get(status="Running").json()) == 4)
    own.delete(stopping)
    pids = [one["pid"] for one in own.sessions()] + [int(path.read_text()) for path in files]
    own.process.kill()
    own.process.wait()
    assert (own.data / "server.json").exists()
    assert status(own.data) is None
    bystander = subprocess.Popen(["sleep", "600"], start_new_session=True)

    again = fresh_sandbox()
    listed = {one["id"]: one["status"] for one in again.get().json()}
    assert stopping not in listed
    assert sorted(listed.values()) == ["Failed", "Failed", "Running"]
    again.wait_until(lambda: not any(lives(pid) for pid in pids))
    assert "restarted" in again.get(f"/session/{running}", view="events").text
    assert lives(bystander.pid)
    bystander.kill()
    bystander.wait()


def test_five_hundred_creates_at_once(sandbox):
    async def burst():
        limits = httpx.Limits(max_connections=64)
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        async with httpx.AsyncClient(headers=headers, limits=limits, timeout=60, trust_env=False) as client:

            async def create(number):
                form = {"image": IMAGE, "name": f"s-{number}", "cmd": "true"}
                return await client.post(f"{sandbox.url}/session", data=form)

            return await asyncio.gather(*(create(number) for number in range(500)))

    replies = asyncio.run(burst())
    assert {reply.status_code for reply in replies} == {200}
    ids = {reply.text.strip() for reply in replies}
    assert len(ids) == 500
    sandbox.wait_idle()
    listed = sandbox.get().json()
    assert {one["id"] for one in listed} == ids
    assert {one["status"] for one in listed} == {"Completed"}
    assert sandbox.status()["most_running"] <= 16


class AdjustableLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock can be put forward, so that a timer ends without a wait."""

    ahead = 0.0

    def time(self):
        return super().time() + self.ahead


async def respond(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def bodies(idle_s):
    """The body of a response, and of another one on the same connection after some idle seconds; empty if closed."""
    server, listener = uvicorn.Server(server_config(respond)), socket.create_server(("127.0.0.1", 0))
    serving = asyncio.ensure_future(server.serve([listener]))
    reader, writer = await asyncio.open_connection(*listener.getsockname())

    async def get():
        writer.write(b"GET / HTTP/1.1\r\nHost: sandbox\r\n\r\n")
        try:
            await reader.readuntil(b"\r\n\r\n")
            return await reader.readexactly(2)
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""

    first = await get()
    asyncio.get_running_loop().ahead += idle_s
    await asyncio.sleep(0.01)
    second = await get()
    writer.close()
    server.should_exit = True
    await serving
    return first, second


@pytest.mark.parametrize(("idle_s", "second"), [(2 * IDLE, b"ok"), (600, b"")])
def test_a_connection_that_was_idle_for_longer_than_a_client_keeps_one_gets_a_response(idle_s, second):
    with asyncio.Runner(loop_factory=AdjustableLoop) as runner:
        assert runner.run(bodies(idle_s)) == (b"ok", second)


def test_package_imports_without_a_web_server():
    program = (
        "import sys, skaha_apply.sandbox; print([name for name in ('starlette', 'uvicorn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_missing_extra_is_one_clear_message(tmp_path):
    program = (
        "import sys, importlib.util as u, pathlib; find = u.find_spec\n"
        "import skaha_apply.sandbox.options as o; o.find_spec = lambda n: None if n == 'uvicorn' else find(n)\n"
        "from skaha_apply.sandbox.__main__ import main; sys.exit(main(['serve', '--data', sys.argv[1]]))"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "uvicorn" in done.stderr
    assert "pip install 'skaha-apply[sandbox]'" in done.stderr
