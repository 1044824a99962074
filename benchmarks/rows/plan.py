"""How long a plan takes in which nothing changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.measurement import Command, in_turn
from benchmarks.row import Row
from benchmarks.workloads import write_matrix, write_terraform, write_zones

if TYPE_CHECKING:
    from benchmarks.laboratory import Laboratory
    from benchmarks.measurement import Pairs


def next_to_octodns(laboratory: Laboratory) -> Pairs:
    """Measure a plan of running replicas, next to the plan of as many equal DNS records in two YAML files."""
    sizes = laboratory.sizes
    project = laboratory.project(sizes.plan, sizes.plan)
    config = write_zones(laboratory.new_folder("zones"), sizes.plan)
    words = laboratory.programs.program("octodns", "octodns-sync")
    other = Command([*words, "--quiet", "--config-file", config], config.parent)
    return in_turn(lambda: laboratory.plan(project).seconds, lambda: other.run().seconds, sizes.pairs, sizes.warm_up)


def next_to_terraform(laboratory: Laboratory) -> Pairs:
    """Measure a plan of running replicas, next to the plan of as many resources that need no provider."""
    sizes = laboratory.sizes
    terraform = laboratory.programs.terraform()
    project = laboratory.project(sizes.plan, sizes.plan)
    folder = laboratory.new_folder("terraform")
    write_terraform(folder, sizes.plan)
    Command([*terraform, "init", "-input=false"], folder).run()
    other = Command([*terraform, "plan", "-input=false", "-detailed-exitcode"], folder)
    return in_turn(lambda: laboratory.plan(project).seconds, lambda: other.run().seconds, sizes.slow_pairs, 0)


def combinations(laboratory: Laboratory) -> Pairs:
    """Measure a plan without a server of new combinations, next to a plan of running replicas."""
    sizes = laboratory.sizes
    file = write_matrix(laboratory.new_folder("matrix") / "manifest.yaml", sizes.matrix)
    own = laboratory.own("plan", "--offline", file, folder=file.parent)
    project = laboratory.project(sizes.plan, sizes.plan)
    return in_turn(lambda: own.run().seconds, lambda: laboratory.plan(project).seconds, sizes.pairs, sizes.warm_up)


def a_million(laboratory: Laboratory) -> Pairs:
    """Measure a plan of very many done replicas, next to a plan of few."""
    sizes = laboratory.sizes
    large, small = laboratory.project(sizes.most, sizes.active), laboratory.project(sizes.plan, sizes.active)

    def own() -> float:
        laboratory.list_active(large)
        return laboratory.plan(large).seconds

    def other() -> float:
        laboratory.list_active(small)
        return laboratory.plan(small).seconds

    return in_turn(own, other, sizes.slow_pairs, sizes.warm_up)


_PLAN = "`plan` of {plan} running replicas, none changed"
ROWS = (
    Row("plan-octodns", _PLAN, "octodns-sync, {plan} records", 0.15, 0.10, next_to_octodns),
    Row("plan-terraform", _PLAN, "`terraform plan`, {plan} `terraform_data`", 0.02, 0.01, next_to_terraform),
    Row("plan-offline", "`plan --offline` of {matrix} combinations", _PLAN, 1.5, 1.0, combinations),
    Row(
        "plan-million", "`plan` of {most} replicas, {active} active, the others done",
        "`plan` of {plan} replicas, {active} active", 3, 1.5, a_million,
    ),
)  # fmt: skip
