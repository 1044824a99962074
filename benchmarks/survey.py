"""Run a survey of 2,000 tiles under a limit to its end: time compared with the ideal, requests, memory use.

    python -m benchmarks.survey [--tiles 2000] [--limit 100] [--duration 2] [--poll 1] [--no-logs] [--loop]

Each tile is a real process of the sandbox. It sleeps for `--duration` seconds on average: from 0.55 to 1.45 times that,
by its last digit, so that no interval of polling fits by chance. The ideal time is ceil(tiles / limit) times the
duration. With `--loop`, a typical loop around the client canfar does the same work on another sandbox: list, create as
many sessions as the limit allows, sleep. Prints one line for each run.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from benchmarks.fake_server import IMAGE
from benchmarks.peers import KEPT, Environments

TOKEN = "benchmark"
MANIFEST = """\
version: 1
project: survey
sessions:
  - name: tile-${{tile}}
    matrix: {{tile: {{file: tiles.txt}}}}
    parallelism: {limit}
    image: {image}
    cmd: sh
    args: [run.sh, "${{tile}}"]
"""
LOOP = """
import asyncio, sys, time
from canfar.sessions import AsyncSession

ACTIVE = {"Pending", "Running", "Terminating"}

async def main(url, limit, poll, image):
    todo = [line.strip() for line in open("tiles.txt")]
    async with AsyncSession(token="benchmark", url=url, concurrency=32) as session:
        while True:
            active = sum(one["status"] in ACTIVE for one in await session.fetch(kind="headless"))
            if not todo and not active:
                return
            now, todo = todo[: limit - active], todo[limit - active :]
            await asyncio.gather(*(
                session.create(name=f"tile-{tile}", image=image, kind="headless", cmd="sh", args=f"run.sh {tile}")
                for tile in now
            ))
            await asyncio.sleep(poll)

asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]))
"""


class Sandbox:
    """A sandbox process whose sessions run in `folder`."""

    def __init__(self, folder: Path, slots: int) -> None:
        words = [sys.executable, "-m", "skaha_apply.sandbox", "serve", "--data", folder / "data", "--workdir", folder]
        words += ["--port-file", folder / "port", "--token", TOKEN, "--slots", slots]
        self.process = subprocess.Popen(list(map(str, words)))
        while not (folder / "port").exists():
            time.sleep(0.02)
        self.origin = f"http://127.0.0.1:{(folder / 'port').read_text().strip()}"

    def ask(self, path: str) -> Any:
        """Return the document of a control route."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        return httpx.get(f"{self.origin}/sandbox{path}", headers=headers, timeout=60, trust_env=False).json()

    def close(self) -> None:
        """End the sandbox."""
        self.process.terminate()
        self.process.wait(30)


def most_active(sessions: list[dict[str, Any]]) -> int:
    """Return the highest number of sessions that were active on the server at once."""
    steps = sorted((at, step) for one in sessions for at, step in ((one["created"], 1), (one["ended"], -1)))
    active = most = 0
    for _, step in steps:
        active += step
        most = max(most, active)
    return most


def measure(name: str, words: list[str], options: argparse.Namespace, folder: Path) -> None:
    """Run one command to the end of the survey, and print its line."""
    (folder / "tiles.txt").write_text("".join(f"{index:05}\n" for index in range(options.tiles)))
    spans = (f"*{digit}) sleep {options.duration * (0.55 + digit / 10):.3f} ;;" for digit in range(10))
    (folder / "run.sh").write_text(f"case $1 in {' '.join(spans)} esac\n")
    (folder / "m.yaml").write_text(MANIFEST.format(limit=options.limit, image=IMAGE))
    sandbox = Sandbox(folder, options.limit)
    url = f"{sandbox.origin}/skaha/v1"
    try:
        words = [url if word == "URL" else word for word in words]
        variables = {"SKAHA_URL": url, "SKAHA_TOKEN": TOKEN, "HOME": str(folder), "CI": ""}
        begin = time.perf_counter()
        process = subprocess.Popen(words, cwd=folder, env={**os.environ, **variables}, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        made, counts = sandbox.ask("/sessions")["sessions"], sandbox.ask("/requests?last=0")["counts"]
    finally:
        sandbox.close()
    ran = Counter(one["name"] for one in made if one["status"] == "Completed")
    ideal = math.ceil(options.tiles / options.limit) * options.duration
    print(
        f"{name}: exit code {process.returncode}, {seconds:.1f} s, {seconds / ideal:.2f} times the ideal {ideal:g} s; "
        f"{len(ran)} tiles ran, {sum(ran.values()) - len(ran)} of them twice, at most {most_active(made)} at once; "
        f"{sum(counts.values())} requests ({', '.join(f'{count} {route}' for route, count in counts.items())}); "
        f"{usage.ru_maxrss / 1024:.0f} MB, {usage.ru_utime + usage.ru_stime:.1f} s of CPU"
    )


def main() -> None:
    """Measure skaha-apply, and on request the loop around canfar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiles", type=int, default=2000)
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--duration", type=float, default=2.0)
    parser.add_argument("--poll", type=float, default=1.0)
    parser.add_argument("--no-logs", action="store_true", help="do not save the log and the events of each tile")
    parser.add_argument("--loop", action="store_true", help="measure a loop around canfar too, in its environment")
    parser.add_argument("--folder", type=Path, default=KEPT, help="folder of the environment (default: %(default)s)")
    options = parser.parse_args()
    poll = f"{options.poll:g}s"
    words = [sys.executable, "-m", "skaha_apply", "apply", "m.yaml", "--yes", "--wait", "complete", "--poll", poll]
    words += ["--no-logs"] if options.no_logs else []
    with tempfile.TemporaryDirectory() as folder:
        measure("skaha-apply", words, options, Path(folder))
    if options.loop:
        loop = Environments(options.folder).program("canfar", "python")
        loop += ["-c", LOOP, "URL", str(options.limit), f"{options.poll:g}", IMAGE]
        with tempfile.TemporaryDirectory() as folder:
            measure("a loop around canfar", loop, options, Path(folder))


if __name__ == "__main__":
    main()
