"""The peak memory of plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.measurement import Command, Pairs, in_turn
from benchmarks.row import Row

if TYPE_CHECKING:
    from benchmarks.laboratory import Laboratory

_IMPORT = "from canfar.sessions import AsyncSession"


def next_to_import(laboratory: Laboratory, replicas: int, active: int) -> Pairs:
    """Measure the peak memory in MB of a plan, next to a process that only imports the published client."""
    project = laboratory.project(replicas, active)
    words = laboratory.programs.program("canfar", "python")
    other = Command([*words, "-c", _IMPORT])
    return in_turn(
        lambda: laboratory.plan(project).peak / 1e6, lambda: other.run().peak / 1e6,
        laboratory.sizes.slow_pairs, warm_up=0,
    )  # fmt: skip


_PEER = f"`{_IMPORT}`"
ROWS = (
    Row(
        "memory", "peak memory of `plan` with {plan} running replicas", _PEER, 2, 1.5,
        lambda lab: next_to_import(lab, lab.sizes.plan, lab.sizes.plan), "MB",
    ),
    Row(
        "memory-million", "peak memory of `plan` with {most} replicas, {active} active", _PEER, 8, 4,
        lambda lab: next_to_import(lab, lab.sizes.most, lab.sizes.active), "MB",
    ),
)  # fmt: skip
