"""How the load of the tool grows with the number of replicas."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.laboratory import Laboratory


@dataclass(frozen=True)
class Growth:
    """What a project of `replicas` takes: seconds, seconds of CPU, and bytes."""

    replicas: int
    plan_seconds: float
    plan_peak: float
    pass_cpu: float
    pass_written: float
    state_bytes: float


def measure(laboratory: Laboratory, replicas: int) -> Growth:
    """Measure plans and idle passes of this number of replicas, of which `Sizes.active` are active."""
    sizes = laboratory.sizes
    project = laboratory.project(replicas, sizes.active)
    plans = [laboratory.plan(project) for _ in range(sizes.slow_pairs)]
    idle = laboratory.idle.get(project) or laboratory.idle_pass(project)
    return Growth(
        replicas,
        median(plan.seconds for plan in plans),
        median(plan.peak for plan in plans),
        idle.cpu,
        idle.written,
        project.state_bytes,
    )
