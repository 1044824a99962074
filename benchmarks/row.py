"""One row of the table: which work is compared with what, and which ratio is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.laboratory import Laboratory
    from benchmarks.measurement import Pairs
    from benchmarks.sizes import Sizes


@dataclass(frozen=True)
class Row:
    """A row of the table.

    `work` and `peer` are texts in which `{name}` is a number of `Sizes`. `bound` is the highest ratio that the project
    accepts, and `goal` the ratio that it aims at. `unit` is that of both figures: s, MB.
    """

    name: str
    work: str
    peer: str
    bound: float
    goal: float
    measure: Callable[[Laboratory], Pairs]
    unit: str = "s"

    def texts(self, sizes: Sizes) -> tuple[str, str]:
        """The work and the peer with the numbers of a run."""
        numbers = {name: f"{value:,}" if isinstance(value, int) else value for name, value in vars(sizes).items()}
        return self.work.format(**numbers), self.peer.format(**numbers)


@dataclass(frozen=True)
class Result:
    """A row with its figures, or with the reason why it is not measured."""

    row: Row
    pairs: Pairs | None = None
    reason: str = ""
