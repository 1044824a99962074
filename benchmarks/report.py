"""Shows the results: a line for each row in the terminal, and the page docs/speed.md."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.growth import Growth
    from benchmarks.row import Result
    from benchmarks.sizes import Sizes

PAGE = """\
# Speed

`{command}` measured this page on {date}: {machine}. Versions: {versions}.

Each program has an environment of its own. The benchmarks run whole processes, the two sides of a row in turn. Figures
are medians, with the lowest and the highest in brackets. The ratio is the median of the ratios of the pairs. Absolute
times differ between machines, so compare the ratios.

The bound is the highest ratio that the project accepts. The goal is the ratio that it aims at.

{table}

## Growth

One session in many replicas, of which {active} are active and the others are done. The server lists the active sessions
only, because the real server removes ended sessions after an hour.

{growth}

## How the rows are measured

- A server on loopback lists and creates sessions and runs none. It is a process of its own, and shares no code with the
  client. In the rows of creates, each response takes {latency} s.
- `apply --adopt=ended` makes the states, so they contain what a real run records.
- An idle pass is a pass of `--wait complete` in which no session changes. Its CPU and the bytes that it writes come
  from Linux's counters of the process, read at two listings. The start of the process is not counted.
- octodns-sync compares two folders of YAML with equal records. Terraform gets a state with all resources, and its plan
  refreshes them. Neither sends a request.
- skaha-apply does more than the published client, which returns IDs. It stores each create on disk before it sends the
  request, and reports the phase of each replica. [reliability.md](reliability.md) shows the effect of lost responses.

`python -m benchmarks --rows NAME ...` measures some rows. `--quick` measures all rows with fewer runs, and without a
million replicas. [scale.md](scale.md) shows a run of 2,000 real processes from its start to its end.
"""


@dataclass(frozen=True)
class Measured:
    """All results of one run, with the command that measured them."""

    command: str
    sizes: Sizes
    versions: Mapping[str, str]
    results: Sequence[Result]
    growth: Sequence[Growth | str]


def verdict(result: Result) -> str:
    """Whether a row reaches its goal or its bound."""
    if result.pairs is None:
        return "not measured"
    ratio = result.pairs.ratio
    if ratio <= result.row.goal:
        return "goal"
    return "bound" if ratio <= result.row.bound else "not reached"


def line(result: Result, sizes: Sizes) -> str:
    """One row for the terminal."""
    work, peer = result.row.texts(sizes)
    if result.pairs is None:
        return f"{result.row.name}: {work}: not measured: {result.reason}"
    own, other = (_figures(values, result.row.unit) for values in (result.pairs.own, result.pairs.other))
    return (
        f"{result.row.name}: {work}: {own}; {peer}: {other}; ratio {result.pairs.ratio:.3g}, "
        f"bound {result.row.bound:g}, goal {result.row.goal:g}: {verdict(result)}"
    )


def growth_row(growth: Growth | str) -> str:
    """One row of the table of growth; a text is the reason why a size is not measured."""
    if isinstance(growth, str):
        return f"| {growth} | | | | | |"
    return (
        f"| {growth.replicas:,} | {growth.plan_seconds:.2f} s | {growth.plan_peak / 1e6:.0f} MB | "
        f"{growth.pass_cpu:.3f} s | {growth.pass_written:,.0f} | {growth.state_bytes / 1e6:.2f} MB |"
    )


def page(measured: Measured) -> str:
    """The page docs/speed.md."""
    return PAGE.format(
        command=measured.command,
        date=date.today().isoformat(),  # noqa: DTZ011  # the day on the wall of the person who measures
        machine=f"{os.cpu_count()} cores, {platform.system()}, {platform.python_implementation()} "
        + platform.python_version(),
        versions=", ".join(f"{name} {version}" for name, version in measured.versions.items()),
        table="\n".join(_table(measured)),
        active=measured.sizes.active,
        latency=measured.sizes.latency,
        growth="\n".join(_growth(measured.growth)),
    )


def _table(measured: Measured) -> Iterable[str]:
    yield "| row | work | figure | next to | figure | ratio | bound | goal | reached |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for result in measured.results:
        row = result.row
        work, peer = row.texts(measured.sizes)
        if result.pairs is None:
            figures = f"not measured: {result.reason} | {peer} | | "
        else:
            own, other = (_figures(values, row.unit) for values in (result.pairs.own, result.pairs.other))
            figures = f"{own} | {peer} | {other} | **{result.pairs.ratio:.3g}**"
        yield f"| `{row.name}` | {work} | {figures} | {row.bound:g} | {row.goal:g} | {verdict(result)} |"


def _growth(growth: Iterable[Growth | str]) -> Iterable[str]:
    yield "| replicas | `plan` | its peak memory | an idle pass (CPU) | bytes that it writes | size of the state |"
    yield "|---|---|---|---|---|---|"
    yield from map(growth_row, growth)


def _figures(values: Sequence[float], unit: str) -> str:
    if min(values) == max(values):
        return f"{values[0]:.3g} {unit}"
    return f"{median(values):.3g} {unit} ({min(values):.3g} to {max(values):.3g})"
