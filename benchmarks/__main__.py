"""Measures skaha-apply next to other programs, prints a line for each row, and writes docs/speed.md.

    python -m benchmarks [--quick] [--rows NAME ...] [--page FILE] [--folder FOLDER]

Run it in a checkout. It makes an environment for each program in the work folder.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.fake_server import FakeServer
from benchmarks.growth import Growth, measure
from benchmarks.laboratory import Laboratory
from benchmarks.measurement import CommandFailedError
from benchmarks.peers import KEPT, ROOT, Environments, NotMeasuredError, StandIns
from benchmarks.report import Measured, growth_row, line, page
from benchmarks.row import Result, Row
from benchmarks.rows import ROWS
from benchmarks.sizes import CHECK, FULL, QUICK

if TYPE_CHECKING:
    from collections.abc import Sequence


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument("--quick", action="store_true", help="fewer runs, without a million replicas")
    modes.add_argument("--check", action="store_true", help="run each row once at a tiny size, without other programs")
    names = [row.name for row in ROWS]
    parser.add_argument("--rows", nargs="+", choices=names, metavar="NAME", help=f"only these: {', '.join(names)}")
    parser.add_argument("--page", type=Path, help="file for the page (default: docs/speed.md if all rows are measured)")
    parser.add_argument("--folder", type=Path, default=KEPT, help="folder of the environments (default: %(default)s)")
    return parser.parse_args()


def measure_row(laboratory: Laboratory, row: Row) -> Result:
    """Measure one row. A row that cannot be measured gets the reason."""
    try:
        return Result(row, row.measure(laboratory))
    except NotMeasuredError as error:
        return Result(row, reason=str(error))
    except CommandFailedError as error:
        print(error, file=sys.stderr)
        return Result(row, reason=error.summary)


def measure_growth(laboratory: Laboratory) -> Sequence[Growth | str]:
    """Measure the growth, up to the first size that the tool does not carry."""
    made: list[Growth | str] = []
    for replicas in laboratory.sizes.growth:
        try:
            made.append(measure(laboratory, replicas))
            print(growth_row(made[-1]), flush=True)
        except (CommandFailedError, NotMeasuredError) as error:
            reason = error.summary if isinstance(error, CommandFailedError) else str(error)
            made.append(f"{replicas:,}: not measured: {reason}")
            break
    return made


def main() -> int:
    """Measure, print and write; exit code 1 if a check finds a row that cannot be measured."""
    given = arguments()
    sizes = CHECK if given.check else QUICK if given.quick else FULL
    programs = StandIns(given.folder) if given.check else Environments(given.folder)
    rows = [row for row in ROWS if given.rows is None or row.name in given.rows]
    with tempfile.TemporaryDirectory() as folder, FakeServer() as server:
        laboratory = Laboratory(sizes, programs, server, Path(folder))
        results = []
        for row in rows:
            results.append(measure_row(laboratory, row))
            print(line(results[-1], sizes), flush=True)
        growth = measure_growth(laboratory) if given.rows is None else []
    command = " ".join(["python -m benchmarks", *sys.argv[1:]])
    target = given.page or (ROOT / "docs" / "speed.md" if given.rows is None and not given.check else None)
    if target is not None:
        target.write_text(page(Measured(command, sizes, programs.versions, results, growth)), encoding="utf-8")
        print(f"wrote {target}")
    return int(given.check and any(result.pairs is None for result in results))


if __name__ == "__main__":
    sys.exit(main())
