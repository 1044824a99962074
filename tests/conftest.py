"""A real sandbox for every test: `sandbox` is shared and reset in between, `fresh_sandbox` starts another process."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import hypothesis
import pytest

from skaha_apply.sandbox.environment import for_sandbox

ROOT = Path(__file__).parent
sys.path.append(str(ROOT))  # for `prepared_process` and `notebook_kernel`, which several suites use
# A test of these folders, or one that uses one of these fixtures, belongs to the tier of the marker `e2e`.
E2E_FOLDERS = {
    "acceptance",
    "acceptance_remote",
    "conformance",
    "installation",
    "notebook",
    "notify",
    "github",
    "real_parts",
    "sandbox",
}
E2E_FILES = {
    "chaos/test_real_processes.py", "cli/test_broken_output.py", "cli/test_pre_commit.py", "cli/test_split_command.py",
    "distributed/test_distributed_command_line.py", "docs/test_readme.py", "manifests/test_batch_processing_payload.py",
    "manifests/test_quickstart_payloads.py", "state/test_file_lock.py", "state/test_local_store.py",
    "state/test_lock_proof.py",
}  # fmt: skip
E2E_FIXTURES = {"_shared_sandbox", "fresh_sandbox", "desk", "prepared"}
# Folders and files with tests of many seconds: these come first, so that no worker is left with one at the end.
FIRST = (
    "chaos/", "conformance/", "real_parts/", "cli/test_examples.py", "cli/test_pre_commit.py",
    "lint/test_lint_matrix.py", "lint/test_round_trip.py", "manifests/", "planning/test_properties.py",
)  # fmt: skip

# `dev` is quick; `ci` draws as many examples as the tests were written for, and prints how to repeat a failure.
hypothesis.settings.register_profile("ci", deadline=None, print_blob=True)
hypothesis.settings.register_profile("dev", deadline=None, max_examples=20)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if "CI" in os.environ else "dev"))

# Where Python may not write bytecode, each command that a test starts would compile the whole package again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Under `nohup` and as a job in the background, each command would inherit that signals are ignored, and their tests
# would fail.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A worker keeps thousands of tests; to search all of them for cycles every few milliseconds costs a tenth of its time.
gc.set_threshold(20_000, 20, 50)

START_S = 30
STOP_S = 30


def pytest_collection_modifyitems(items):
    """Give the marker `e2e` to each test that starts processes or servers; put the long ones first."""
    for item in items:
        path = item.path.relative_to(ROOT)
        by_place = path.parts[0] in E2E_FOLDERS or path.as_posix() in E2E_FILES
        if by_place or not E2E_FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.e2e)
    items.sort(key=lambda item: not item.path.relative_to(ROOT).as_posix().startswith(FIRST))


def pytest_collection_finish():
    """What was collected stays to the end: the search for cycles leaves it out."""
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A worker without tests takes half of what is left to the other, so that both end at the same time."""
    from xdist.scheduler import WorkStealingScheduling  # noqa: PLC0415 - a run without workers does without it

    return WorkStealingScheduling(config, log) if config.getoption("dist") == "load" else None


class Sandbox:
    """A running sandbox and its control routes; all paths and times are those of the server."""

    def __init__(self, process, data, workdir, port, token):
        self.process = process
        self.data = data
        self.workdir = workdir
        self.port = port
        self.token = token
        self.origin = f"http://127.0.0.1:{port}"
        self.url = f"{self.origin}/skaha/v1"
        self.http = httpx.Client(
            base_url=self.origin, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
        )

    def control(self, method, path, **kwargs):
        reply = self.http.request(method, f"/sandbox{path}", **kwargs)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def faults(self, **plan):
        """Order faults (none given: none from now on); see docs/sandbox.md."""
        return self.control("PUT", "/faults", json=plan)

    def clock(self, advance_s):
        return self.control("POST", "/clock", json={"advance_s": advance_s})

    def settings(self, **changes):
        """Change slots, workdir, ttl, deadline, grace, ... until the next reset."""
        return self.control("PUT", "/settings", json=changes)

    def requests(self, last=1000):
        """Counters by method and route ("counts"), and the last requests in full ("requests")."""
        return self.control("GET", "/requests", params={"last": last})

    def forget_requests(self):
        return self.control("DELETE", "/requests")

    def sessions(self):
        """The truth: every session ever created, gone ones too, with argv and env."""
        return self.control("GET", "/sessions")["sessions"]

    def status(self):
        return self.control("GET", "/status")

    def expire(self, identifier):
        return self.control("POST", "/expire", json={"id": identifier})

    def reset(self):
        return self.control("POST", "/reset")

    def create(self, **parameters):
        """POST /session as a form body, with an image and a name unless given; gives the reply."""
        form = {"image": "images.canfar.net/skaha/astroml:24.07", "name": "one", **parameters}
        return self.http.post(
            "/skaha/v1/session",
            data={key: one for key, one in form.items() if one is not None},
            headers={"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"},
        )

    def get(self, path="/session", **parameters):
        return self.http.get(f"/skaha/v1{path}", params=parameters)

    def delete(self, identifier):
        return self.http.delete(f"/skaha/v1/session/{identifier}")

    def wait_until(self, met, seconds=30.0):
        """Poll `met()` until it is true, and give what it gave."""
        until = time.monotonic() + seconds
        while not (value := met()):
            assert time.monotonic() < until, "waited in vain"
            time.sleep(0.01)
        return value

    def wait_idle(self, seconds=60.0):
        """Wait until no session is queued, runs or stops (interactive ones count as running)."""
        return self.wait_until(lambda: self.status()["active"] == 0, seconds)

    def close(self):
        self.http.close()
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(STOP_S)


def start_sandbox(folder: Path, *options, token="secret-of-the-tests", slots=16):
    """Start a sandbox of its own below `folder`; further command-line options may follow."""
    data, workdir, port_file = folder / "data", folder / "work", folder / "port"
    workdir.mkdir(parents=True, exist_ok=True)
    port_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "skaha_apply.sandbox", "serve", "--data", data, "--workdir", workdir]
    command += ["--port-file", port_file, "--token", token, "--slots", slots, *options]
    environment = for_sandbox({**os.environ, "PYTHONWARNINGS": "default"})  # which spares a second start
    process = subprocess.Popen([str(word) for word in command], env=environment)
    until = time.monotonic() + START_S
    while not port_file.exists():
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            process.wait()
            pytest.fail(f"the sandbox did not start: exit code {process.returncode}")
        time.sleep(0.01)
    return Sandbox(process, data, workdir, int(port_file.read_text()), token)


@pytest.fixture(scope="session")
def prepared():
    """Runs command lines as forks of one process of this worker: `prepared.run(["plan"], cwd=..., env=...)`."""
    from prepared_process import PreparedProcess  # noqa: PLC0415 - it lies in a folder that is added above

    started = PreparedProcess()
    yield started
    started.close()


@pytest.fixture(scope="session")
def _shared_sandbox(tmp_path_factory):
    accounts = ["--account", "token-of-another=another", "--denied", "token-denied", "--expired", "token-expired"]
    started = start_sandbox(tmp_path_factory.mktemp("sandbox"), *accounts)
    yield started
    started.close()


@pytest.fixture
def sandbox(_shared_sandbox, tmp_path):
    """The shared sandbox, empty, without faults, its clock right, working in `tmp_path`.

    It also knows `token-of-another` (user `another`), `token-denied` (403) and `token-expired` (401).
    """
    _shared_sandbox.reset()
    _shared_sandbox.settings(workdir=str(tmp_path))
    _shared_sandbox.workdir = tmp_path
    yield _shared_sandbox
    _shared_sandbox.reset()


@pytest.fixture
def fresh_sandbox(tmp_path):
    """A function that starts a sandbox process of its own: `fresh_sandbox("--ttl", 5)`; ended with the test."""
    started = []

    def start(*options, folder=tmp_path / "fresh", **kwargs):
        started.append(start_sandbox(folder, *options, **kwargs))
        return started[-1]

    yield start
    for one in started:
        one.close()
