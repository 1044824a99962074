"""Checks that the combinations of one entry have different names."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.model.counts import noun_for

if TYPE_CHECKING:
    from skaha_apply.manifest.expansion.matrix import Combination
    from skaha_apply.manifest.expansion.matrix_axes import MatrixContext


@dataclass
class UniqueNames:
    """The names that the combinations of one entry take, and those that two of them would take."""

    context: MatrixContext
    path: str
    taken: dict[str, Combination] = field(default_factory=dict)
    twice: list[tuple[str, Combination, Combination]] = field(default_factory=list)

    def take(self, name: str, combination: Combination) -> bool:
        """Whether no earlier combination has the name."""
        first = self.taken.setdefault(name, combination)
        if first is combination:
            return True
        self.twice.append((name, first, combination))
        return False

    def report(self) -> None:
        """Report the first two combinations with one name, and the number of further ones."""
        if not self.twice:
            return
        name, first, second = self.twice[0]
        pairs = zip(first.names, first.cells, second.cells, strict=True)
        differ = [axis for axis, one, other in pairs if one.text != other.text][:2] or [*first.names]
        summary = (
            f"two combinations have the name {quoted(name)}: {first.described(differ)}; and {second.described(differ)}"
        )
        if more := len(self.twice) - 1:
            summary += f"; and {more:,} more such {noun_for(more, 'pair')}"
        detail = "In a name, values are in lower case, + becomes p, and other characters except letters, digits and - "
        detail += "become -. Change a value, remove one with exclude, or add another axis or column to the name."
        location = second.cells[second.names.index(differ[0])].location
        self.context.reader.diagnostics.add_at("matrix", location, summary, detail, path=self.path)
