"""Measure 1,000 creates as whole processes: `skaha-apply apply` and the published client, in turn.

    python benchmarks/creates.py [--replicas 1000] [--latency 0.05] [--runs 5] [--canfar PYTHON]

`--canfar` is the interpreter of an environment with canfar 1.5.2; without it only skaha-apply is measured. The small
server in this file needs `--latency` seconds for each response and runs no job, so that only the clients are compared.
Prints one line for each run, the medians, and the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs

IMAGE = "images.canfar.net/skaha/astroml:24.07"
CANFAR = """
import asyncio, sys
from canfar.sessions import AsyncSession

async def main(url, replicas):
    async with AsyncSession(token="t", url=url, concurrency=32) as session:
        ids = []
        for start in range(0, replicas, 250):
            ids += await session.create(name=f"bench{start}", image=sys.argv[3], cores=1, ram=2, kind="headless",
                                        cmd="true", replicas=min(250, replicas - start))
    print(len(ids))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


class Server:
    """The part of the API that a create and a listing require, in a thread."""

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.sessions: dict[str, dict[str, str]] = {}
        self.posts = 0
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self.port = 0

        async def serve() -> None:
            server = await asyncio.start_server(self._client, "127.0.0.1", 0, backlog=512)
            self.port = server.sockets[0].getsockname()[1]
            started.set()

        threading.Thread(target=self._run, args=(serve(),), daemon=True).start()
        started.wait()

    def _run(self, start: object) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(start)
        self._loop.run_forever()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                method, target, _ = head.split(b"\r\n", 1)[0].decode().split()
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                body = await reader.readexactly(int(length[0].split(b":")[1])) if length else b""
                await asyncio.sleep(self.latency)
                status, kind, text = self._answer(method, target, body.decode())
                writer.write(
                    f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, method: str, target: str, body: str) -> tuple[int, str, str]:
        path, _, query = target.partition("?")
        if method == "POST" and path.endswith("/session"):
            self.posts += 1
            fields = {**parse_qs(query), **parse_qs(body)}
            number, letters = self.posts, "abcdefghijklmnopqrstuvwxyz"
            made = "s" + "".join(letters[number // 26**place % 26] for place in range(7))
            self.sessions[made] = {
                "id": made, "userid": "me", "type": "headless", "status": "Running", "image": IMAGE,
                "name": fields["name"][0].lower(), "requestedRAM": "2.15", "requestedCPUCores": "1",
            }  # fmt: skip
            return 200, "text/plain", f"{made}\n"
        if path.endswith("/session"):
            return 200, "application/json", json.dumps(list(self.sessions.values()))
        return 404, "text/plain", "not found\n"


def timed(command: list[str], environment: dict[str, str], folder: str) -> float:
    """Return the seconds that a whole process takes."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, env={**os.environ, **environment}, cwd=folder, capture_output=True)
    return time.perf_counter() - begin


def ours(replicas: int, latency: float) -> float:
    """Return the seconds of one apply with a new state."""
    server = Server(latency)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bench.yaml").write_text(
            f"version: 1\nproject: bench\nsessions:\n- {{name: bench, image: '{IMAGE}', cores: 1, ram: 2, "
            f"replicas: {replicas}, cmd: 'true'}}\n"
        )
        url = f"http://127.0.0.1:{server.port}/skaha/v1"
        command = [sys.executable, "-m", "skaha_apply", "apply", "bench.yaml", "--yes"]
        seconds = timed(command, {"SKAHA_URL": url, "SKAHA_TOKEN": "t", "CI": ""}, folder)
    assert server.posts == len(server.sessions) == replicas
    return seconds


def theirs(python: str, replicas: int, latency: float) -> float:
    """Return the seconds of the published client, which creates 250 replicas for each function call."""
    server = Server(latency)
    with tempfile.TemporaryDirectory() as folder:
        url = f"http://127.0.0.1:{server.port}/skaha/v1"
        command = [str(Path(python).absolute()), "-c", CANFAR, url, str(replicas), IMAGE]
        seconds = timed(command, {"HOME": folder}, folder)
    assert server.posts == replicas
    return seconds


def main() -> None:
    """Measure both in turn, and print the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicas", type=int, default=1000)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--canfar", metavar="PYTHON")
    options = parser.parse_args()
    ideal = math.ceil(options.replicas / 32) * options.latency
    print(f"{options.replicas} creates, {options.latency * 1000:g} ms each, 32 at once: latency alone {ideal:.2f} s")
    mine, other = [], []
    for run in range(options.runs):
        mine.append(ours(options.replicas, options.latency))
        line = f"run {run + 1}: skaha-apply {mine[-1]:.2f} s"
        if options.canfar:
            other.append(theirs(options.canfar, options.replicas, options.latency))
            line += f", canfar {other[-1]:.2f} s, ratio {mine[-1] / other[-1]:.2f}"
        print(line, flush=True)
    print(f"median: skaha-apply {statistics.median(mine):.2f} s")
    if other:
        ratio = statistics.median(a / b for a, b in zip(mine, other, strict=True))
        print(f"median: canfar {statistics.median(other):.2f} s; median ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
