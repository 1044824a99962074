"""How long many creates take, if each response of the server takes a while."""

from __future__ import annotations

import math
import shutil
from typing import TYPE_CHECKING

from benchmarks.fake_server import IMAGE
from benchmarks.measurement import Command, Pairs, in_turn
from benchmarks.peers import NotMeasuredError
from benchmarks.row import Row
from benchmarks.workloads import write_replicas

if TYPE_CHECKING:
    from benchmarks.laboratory import Laboratory

AT_ONCE = 32
_CANFAR = """
import asyncio, sys
from canfar.sessions import AsyncSession

async def main(url, image, replicas):
    async with AsyncSession(token="token", url=url, concurrency=32) as session:
        ids = []
        for first in range(0, replicas, 250):
            ids += await session.create(name=f"part{first}", image=image, cores=1, ram=2, kind="headless",
                                        cmd="true", replicas=min(250, replicas - first))
    sys.exit(len(ids) != replicas)

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def own(laboratory: Laboratory) -> float:
    """Measure one apply with a new state; raises `NotMeasuredError` if it sends another number of creates."""
    sizes = laboratory.sizes
    folder = laboratory.new_folder("creates")
    shutil.rmtree(folder / "state", ignore_errors=True)
    write_replicas(folder / "manifest.yaml", "created", sizes.creates)
    laboratory.server.change([], sizes.latency)
    words = ("apply", "manifest.yaml", "--state", "state/state.json", "--yes", "--concurrency", str(AT_ONCE))
    seconds = laboratory.own(*words, folder=folder).run().seconds
    sent = laboratory.server.counts()["POST session"]
    laboratory.server.change([])
    if sent != sizes.creates:
        raise NotMeasuredError(f"{sent} creates were sent")
    return seconds


def other(laboratory: Laboratory) -> float:
    """Measure the published client, which creates 250 replicas with each call of its function."""
    sizes = laboratory.sizes
    laboratory.server.change([], sizes.latency)
    words = [*laboratory.programs.program("canfar", "python"), "-c", _CANFAR, laboratory.server.url, IMAGE]
    command = Command([*words, str(sizes.creates)], variables={"HOME": str(laboratory.new_folder("canfar-home"))})
    seconds = command.run().seconds
    laboratory.server.change([])
    return seconds


def next_to_canfar(laboratory: Laboratory) -> Pairs:
    """Measure the creates, next to those of the published client."""
    sizes = laboratory.sizes
    return in_turn(lambda: own(laboratory), lambda: other(laboratory), sizes.pairs, sizes.warm_up)


def next_to_latency(laboratory: Laboratory) -> Pairs:
    """Measure the creates, next to the time that the responses alone take."""
    sizes = laboratory.sizes
    alone = math.ceil(sizes.creates / AT_ONCE) * sizes.latency
    return in_turn(lambda: own(laboratory), lambda: alone, sizes.pairs, sizes.warm_up)


_WORK = "`apply` of {creates} creates at {latency} s, 32 at once"
ROWS = (
    Row("creates-canfar", _WORK, "canfar", 0.9, 0.7, next_to_canfar),
    Row("creates-latency", _WORK, "latency alone", 1.8, 1.3, next_to_latency),
)
