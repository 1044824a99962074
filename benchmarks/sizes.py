"""How large the work of the benchmarks is, and how often each pair is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Numbers of sessions, replicas and combinations, and of measurements; latency and poll interval in seconds."""

    lint: int = 1_000
    plan: int = 10_000
    matrix: int = 20_000
    creates: int = 1_000
    latency: float = 0.05
    idle: int = 20_000
    idle_more: int = 100_000
    most: int = 1_000_000
    largest: int = 1_000_000  # no larger project is made
    active: int = 200
    growth: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    pairs: int = 7
    slow_pairs: int = 3
    warm_up: int = 1
    passes: int = 10
    poll: float = 0.2


FULL = Sizes()
# Without a million replicas, and with fewer measurements of what takes seconds.
QUICK = Sizes(largest=100_000, growth=(1_000, 10_000, 100_000), pairs=5, slow_pairs=1, passes=5)
# Proves in seconds that each row can be measured; the figures mean nothing.
CHECK = Sizes(
    lint=3, plan=5, matrix=3, creates=3, latency=0.001, idle=5, idle_more=5, most=5, active=2, growth=(5,),
    pairs=1, slow_pairs=1, warm_up=0, passes=1, poll=0.05,
)  # fmt: skip
