"""How long the tool takes before it works: the version and the help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.measurement import Command, in_turn
from benchmarks.row import Row

if TYPE_CHECKING:
    from benchmarks.laboratory import Laboratory
    from benchmarks.measurement import Pairs


def next_to_help(laboratory: Laboratory, *words: str) -> Pairs:
    """Measure a command of skaha-apply and the help of canfar."""
    own, other = laboratory.own(*words), Command([*laboratory.programs.program("canfar", "canfar"), "--help"])
    sizes = laboratory.sizes
    return in_turn(lambda: own.run().seconds, lambda: other.run().seconds, sizes.pairs, sizes.warm_up)


ROWS = (
    Row("version", "`--version`", "`canfar --help`", 0.10, 0.08, lambda lab: next_to_help(lab, "--version")),
    Row("help", "`--help`", "`canfar --help`", 0.25, 0.10, lambda lab: next_to_help(lab, "--help")),
    Row("lint-help", "`lint --help`", "`canfar --help`", 0.30, 0.25, lambda lab: next_to_help(lab, "lint", "--help")),
)
