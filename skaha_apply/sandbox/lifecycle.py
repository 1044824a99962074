"""Find, start and stop the sandbox of a data folder from another process, for `--sandbox` and `sandbox stop`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from skaha_apply.sandbox import environment
from skaha_apply.sandbox.data_folder import prepare, private_opener, start_lock
from skaha_apply.sandbox.options import (
    DETACHED_IDLE_S,
    Rehearsal,
    RunningSandbox,
    SandboxError,
    SandboxOptions,
    check_installed,
)
from skaha_apply.sandbox.platform import processes

_START_S = 15.0
_STOP_S = 20.0
_QUERY_S = 5.0
_POLL_S = 0.05
_children: dict[int, subprocess.Popen[bytes]] = {}


def ensure(options: SandboxOptions) -> RunningSandbox:
    """Return the sandbox that runs on `options.data`, whatever its options, or start one in the background.

    Several processes can call this at the same time. A sandbox that was started here ends after `options.idle` seconds
    (default 600) without use. Raises SandboxError if no sandbox responds within about 15 s.
    """
    check_installed()
    prepare(options.data)
    until = time.monotonic() + _START_S
    with start_lock(options.data, until):
        running = _query_status(options.data, touch=True)
        if running is not None:
            return running
        child = _start_detached(options)
        while time.monotonic() < until:
            running = _query_status(options.data, touch=True)
            if running is not None:
                return running
            if child.poll() is not None:
                break
            time.sleep(_POLL_S)
    raise SandboxError(f"the sandbox did not start: {_last_line(options.data)}", f"see {options.data / 'server.log'}")


def status(data: Path) -> RunningSandbox | None:
    """Return the sandbox that runs on `data`, with its counts; None if no sandbox responds."""
    return _query_status(data, touch=False)


def runs(data: Path) -> bool:
    """Whether a sandbox runs on `data`; sends no request."""
    record = _record(data)
    return record is not None and processes.birth(record["pid"]) == record["birth"]


def stop(data: Path) -> bool:
    """Stop the sandbox of `data` and wait until it has ended; False if no sandbox runs.

    The process is identified by its ID and start time, never by the ID alone. Raises SandboxError if the process does
    not end within 20 s.
    """
    record = _record(data)
    if record is None or processes.birth(record["pid"]) != record["birth"]:
        return False
    pid = int(record["pid"])
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + _STOP_S
    while processes.birth(pid) == record["birth"]:
        if time.monotonic() > until:
            raise SandboxError(
                f"the sandbox (process {pid}) did not end within {_STOP_S:g} s", f"see {data / 'server.log'}"
            )
        time.sleep(_POLL_S)
    child = _children.pop(pid, None)
    if child is not None:
        child.wait()
    return True


def _record(data: Path) -> dict[str, Any] | None:
    try:
        record = json.loads((data / "server.json").read_text())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and {"url", "token", "pid", "birth"} <= record.keys() else None


def _query_status(data: Path, *, touch: bool) -> RunningSandbox | None:
    record = _record(data)
    if record is None or processes.birth(record["pid"]) != record["birth"]:
        return None
    address = record["url"].removesuffix("/skaha/v1") + "/sandbox/status" + ("?touch=1" if touch else "")
    request = urllib.request.Request(  # noqa: S310 - the address of the sandbox
        address, headers={"Authorization": f"Bearer {record['token']}"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=_QUERY_S) as reply:
            counts = json.load(reply)
    except (OSError, urllib.error.URLError, ValueError):
        return None
    rehearsal = _rehearsal(counts.get("rehearsal", asdict(Rehearsal())))
    numbers = (counts["pending"], counts["running"], counts["finished"])
    return RunningSandbox(record["url"], record["token"], record["pid"], *numbers, rehearsal)


def _start_detached(options: SandboxOptions) -> subprocess.Popen[bytes]:
    for pid in [pid for pid, child in _children.items() if child.poll() is not None]:
        del _children[pid]
    chosen = options if options.idle is not None else replace(options, idle=DETACHED_IDLE_S)
    command = [sys.executable, "-m", "skaha_apply.sandbox", "serve", "--options-from-stdin"]
    with open(options.data / "server.log", "ab", opener=private_opener) as output:
        child = subprocess.Popen(  # noqa: S603 - this program itself
            command,
            env=environment.for_sandbox(os.environ),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _children[child.pid] = child
    if child.stdin is not None:
        with suppress(BrokenPipeError), child.stdin as pipe:
            pipe.write(_as_json(chosen).encode())
    return child


def _as_json(options: SandboxOptions) -> str:
    """Write options for the child's standard input, because every user can read a command line and its tokens."""
    values = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
    return json.dumps({**values, "rehearsal": asdict(options.rehearsal)})


def options_from_json(document: str) -> SandboxOptions:
    """Read the options that `_as_json` wrote."""
    values = json.loads(document)
    for name in ("data", "workdir", "port_file"):
        values[name] = None if values[name] is None else Path(values[name])
    for name in ("images", "denied", "expired"):
        values[name] = tuple(values[name])
    values["accounts"] = tuple((token, user) for token, user in values["accounts"])
    values["rehearsal"] = _rehearsal(values["rehearsal"])
    return SandboxOptions(**values)


def _rehearsal(values: dict[str, Any]) -> Rehearsal:
    return Rehearsal(**{**values, "mounts": tuple((point, folder) for point, folder in values["mounts"])})


def _last_line(data: Path) -> str:
    try:
        lines = (data / "server.log").read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return (errors or lines or ["no message"])[-1]
