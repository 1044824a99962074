"""How long a check of manifests takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.measurement import Command, in_turn
from benchmarks.peers import ROOT
from benchmarks.row import Row
from benchmarks.rows.start_up import next_to_help
from benchmarks.workloads import write_sessions

if TYPE_CHECKING:
    from benchmarks.laboratory import Laboratory
    from benchmarks.measurement import Pairs

SCHEMA = ROOT / "schemas" / "manifest.v1.schema.json"


def one_session(laboratory: Laboratory) -> Pairs:
    """Measure the lint of one session, next to the help of canfar."""
    file = write_sessions(laboratory.folder / "one.yaml", 1)
    return next_to_help(laboratory, "lint", str(file), "--strict")


def many_sessions(laboratory: Laboratory) -> Pairs:
    """Measure the lint of one file, next to a check of the file with its schema only."""
    sizes = laboratory.sizes
    file = write_sessions(laboratory.folder / "many.yaml", sizes.lint)
    own = laboratory.own("lint", file, "--strict")
    words = laboratory.programs.program("check-jsonschema", "check-jsonschema")
    other = Command([*words, "--schemafile", SCHEMA, file])
    return in_turn(lambda: own.run().seconds, lambda: other.run().seconds, sizes.pairs, sizes.warm_up)


ROWS = (
    Row("lint-one", "`lint` of 1 session", "`canfar --help`", 0.55, 0.4, one_session),
    Row("lint", "`lint` of {lint} sessions in one file", "check-jsonschema, schema only", 0.25, 0.18, many_sessions),
)
