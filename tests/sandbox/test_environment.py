"""Neither the sandbox nor its sessions get the caller's credentials."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import httpx
import pytest

from skaha_apply.sandbox import SandboxOptions, ensure, stop

SECRETS = {
    "SKAHA_TOKEN": "secret-1",
    "CANFAR_TOKEN": "secret-2",
    "CANFAR_REGISTRY__SECRET": "secret-3",
    "TF_HTTP_PASSWORD": "secret-4",
    "SKAHA_VAR_key": "secret-5",
    "AWS_SECRET_ACCESS_KEY": "secret-6",
    "HTTPS_PROXY": "http://me:secret-7@proxy.invalid:1",
    "SSH_AUTH_SOCK": "/secret-8",
}
# A session reads its own environment, and that of the process that started it.
SPY = "import os, pathlib; print(pathlib.Path('/proc/self/environ').read_bytes())\n"
SPY += "print(pathlib.Path(f'/proc/{os.getppid()}/environ').read_bytes())"
FORM = {"image": "images.canfar.net/skaha/astroml:24.07", "name": "spy", "cmd": "python", "args": "spy.py"}

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="no /proc")  # noqa: PTH110


def seen_by_a_session(url, token):
    """Run the spy and return its output."""
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=30) as http:
        identifier = http.post(f"{url}/session", data=FORM).text.strip()
        until = time.monotonic() + 60
        while http.get(f"{url}/session/{identifier}").json()["status"] != "Completed":
            assert time.monotonic() < until
            time.sleep(0.02)
        return http.get(f"{url}/session/{identifier}", params={"view": "logs"}).text


def check_clean(seen):
    assert seen.count("PATH=") >= 2
    assert [name for name, value in SECRETS.items() if name in seen or value in seen] == []


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "spy.py").write_text(SPY)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def test_a_sandbox_in_the_background_is_clean(folder):
    running = ensure(SandboxOptions(data=folder / "data", workdir=folder))
    try:
        check_clean(seen_by_a_session(running.url, running.token))
    finally:
        stop(folder / "data")


@pytest.mark.parametrize("words", [["skaha_apply.sandbox", "serve"], ["skaha_apply", "sandbox", "serve"]])
def test_a_sandbox_in_the_foreground_is_clean(folder, words):
    options = ["--data", "data", "--port-file", "port", "--token", "t"]
    with subprocess.Popen([sys.executable, "-m", *words, *options], cwd=folder, stdout=subprocess.PIPE) as process:
        try:
            line = process.stdout.readline().decode()
            port = (folder / "port").read_text().strip()
            assert line.startswith(f"the sandbox listens on http://127.0.0.1:{port}/skaha/v1")
            check_clean(seen_by_a_session(f"http://127.0.0.1:{port}/skaha/v1", "t"))
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
