"""What a pass of `--wait complete` costs in which nothing happens."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from benchmarks.measurement import Pairs, in_turn
from benchmarks.peers import OWN
from benchmarks.row import Row

if TYPE_CHECKING:
    from benchmarks.laboratory import Laboratory

_TEN = 10
_REQUESTS = 50
_LIST = """
import asyncio, json, sys, time
import httpx

async def main(url, requests):
    async with httpx.AsyncClient(headers={"Authorization": "Bearer token"}, trust_env=False) as client:
        async def one():
            json.loads((await client.get(url)).content)
        await one()
        begin = time.process_time()
        for _ in range(requests):
            await one()
        print((time.process_time() - begin) / requests)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def list_request(laboratory: Laboratory) -> float:
    """Return the seconds of CPU of one request and its JSON, sent with httpx by a process that does nothing else."""
    command = [*laboratory.programs.program(OWN, "python"), "-c", _LIST, f"{laboratory.server.url}/session"]
    text = subprocess.run([*command, str(_REQUESTS)], capture_output=True, text=True, check=True).stdout
    return float(text)


def next_to_list(laboratory: Laboratory) -> Pairs:
    """Measure the CPU of an idle pass, next to the CPU of its list request."""
    sizes = laboratory.sizes
    project = laboratory.project(sizes.idle, sizes.active)
    return in_turn(
        lambda: laboratory.idle_pass(project).cpu, lambda: list_request(laboratory), sizes.slow_pairs, warm_up=0
    )


def written(laboratory: Laboratory) -> Pairs:
    """Return the megabytes that ten idle passes write, next to those of the state."""
    project = laboratory.project(laboratory.sizes.idle, laboratory.sizes.active)
    measured = laboratory.idle.get(project) or laboratory.idle_pass(project)
    return Pairs((measured.written * _TEN / 1e6,), (project.state_bytes / 1e6,))


def many_done(laboratory: Laboratory) -> Pairs:
    """Measure the CPU of an idle pass over many done replicas, next to a pass over fewer."""
    sizes = laboratory.sizes
    large, small = laboratory.project(sizes.idle_more, sizes.active), laboratory.project(sizes.idle, sizes.active)
    return in_turn(
        lambda: laboratory.idle_pass(large).cpu, lambda: laboratory.idle_pass(small).cpu, sizes.slow_pairs, warm_up=0
    )


_PASS = "an idle pass of `--wait complete`, {idle} replicas, {active} active (CPU)"
ROWS = (
    Row("idle-list", _PASS, "its list request alone, with httpx", 5, 2, next_to_list),
    Row("idle-bytes", "bytes written in ten of these passes", "the size of the state", 1, 0.01, written, "MB"),
    Row("idle-done", "an idle pass, {idle_more} replicas, {active} active (CPU)", _PASS, 1.5, 1.1, many_done),
)
