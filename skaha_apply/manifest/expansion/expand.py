"""Expands the entries of a manifest: one session spec for each combination of the matrix of an entry.

An entry is merged with the defaults. Then its keys are filled in and read for each combination.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.expansion.empty_arguments import left_out
from skaha_apply.manifest.expansion.entry_template import CachedReader, EntryTemplate, KeyLevel
from skaha_apply.manifest.expansion.file_size import excess, refuse_large
from skaha_apply.manifest.expansion.matrix import Combination, Matrix, read_matrix
from skaha_apply.manifest.expansion.unique_names import UniqueNames
from skaha_apply.manifest.fields.values import InvalidValue
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.manifest.variables.interpolation import BadReference, CombinationValues, Scope, TextPurpose, template
from skaha_apply.model.counts import noun_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skaha_apply.manifest.document import Document
    from skaha_apply.manifest.expansion.matrix_axes import MatrixContext
    from skaha_apply.manifest.source.nodes import Node
    from skaha_apply.model.spec import LeftOut, SessionSpec

SENT = frozenset({"cmd", "args", "env"})  # keys whose values a program receives
MAX_CHANGED = 500_000  # values of one session, counted for each set of includes that changes some combination


@dataclass(frozen=True, slots=True)
class ExpandedSession:
    """A session spec, the nodes of its values by their path (`args[2]`, "" for the whole), the entry's index.

    `unknown` are the paths of values that depend on a variable without a value, `left_out` the arguments that empty
    values leave out.
    """

    spec: SessionSpec
    nodes: Mapping[str, Node]
    entry: int
    combination: Combination
    unknown: frozenset[str] = frozenset()
    left_out: tuple[LeftOut, ...] = ()


@dataclass
class ExpandedFile:
    """All sessions of one file.

    `empty` are the names of those without any combination, `empty_lists` of those that have some only by an `include`.
    `named_only` gives, by the name of an entry as written, the axes and columns that stand in this name only.
    """

    sessions: list[ExpandedSession] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    empty_lists: list[str] = field(default_factory=list)
    named_only: dict[str, tuple[str, ...]] = field(default_factory=dict)
    count: int = 0
    size: int = 0


class _TooMany(Exception):
    """The file is too large, which was reported."""


def expand(document: Document, context: MatrixContext, file: str) -> ExpandedFile:
    """Every valid session of a document; errors are added to the diagnostics of the document.

    A file that is too large has no session.
    """
    if refuse_large(document, context):
        return ExpandedFile()
    reads = CachedReader(document.reader)
    for name, node in document.defaults.items():
        if "${" not in node.text:
            _try(reads, name, node)
    expanded = ExpandedFile()
    for index, (node, own) in enumerate(document.sessions):
        if node.shape != "mapping":
            continue
        try:
            _EntryExpansion(document, context, reads, index, node, own).expand(expanded, file)
        except InvalidValue:
            continue
        except _TooMany:
            break
        finally:
            document.reader.diagnostics.origin = None
    return expanded


def _try(reads: CachedReader, name: str, node: Node) -> None:
    try:
        reads.read(name, node, f"defaults.{name}")
    except InvalidValue:
        return


@dataclass
class _EntryExpansion:
    """One entry while it is expanded."""

    document: Document
    context: MatrixContext
    reads: CachedReader
    index: int
    node: Node
    own: Mapping[str, Node]

    @property
    def path(self) -> str:
        """Its path in the file."""
        return f"sessions[{self.index}]"

    def expand(self, expanded: ExpandedFile, file: str) -> None:
        """Add the sessions of the entry. Raises `InvalidValue` or `_TooMany` after it reported the reason."""
        matrix, whole = self._matrix()
        scope = Scope(self.context.variables, matrix.names, matrix.unknown)
        plan = self._template(matrix, scope, ())
        if not whole or not self._distinguishes(matrix, scope):
            raise InvalidValue(self.path)
        written = self.own["name"].text
        if not matrix.combinations:
            expanded.empty.append(written)
        elif matrix.emptied:
            expanded.empty_lists.append(written)
        plans: dict[tuple[int, ...], EntryTemplate | None] = {(): plan}
        unnamed: list[tuple[str, Combination]] = []
        names = UniqueNames(self.context, f"{self.path}.name")
        given = {"file": file, "group": written if "${" in written else ""}
        for combination in matrix.combinations:
            if combination.includes not in plans:
                self._refuse_changes(len(plans) * plan.weight)
                plans[combination.includes] = self._included(matrix, scope, combination.includes)
            this = plans[combination.includes]
            if this is None:
                continue
            texts = [cell.text for cell in combination.cells]
            if "" in texts and (lacking := _lacking(combination, this)):
                unnamed.append((lacking, combination))
                continue
            placed = self._placed(this, combination, texts, given)
            if placed is None or (matrix.names and not names.take(placed.spec.key, combination)):
                continue
            expanded.sessions.append(placed)
            self._count(expanded, this, placed.spec)
        names.report()
        self._report_unnamed(unnamed)
        if only := _named_only(matrix, [one for one in plans.values() if one is not None]):
            expanded.named_only[written] = only

    def _matrix(self) -> tuple[Matrix, bool]:
        """The matrix, and whether it is valid; the substitute for an invalid one accepts any name."""
        if "matrix" not in self.own:
            return Matrix(), True
        try:
            return read_matrix(self.context, self.own["matrix"], f"{self.path}.matrix"), True
        except InvalidValue:
            return Matrix(unknown=True), False

    def _template(self, matrix: Matrix, scope: Scope, includes: tuple[int, ...]) -> EntryTemplate:
        given = [
            KeyLevel(f"{self.path}.matrix.include[{index}]", matrix.overrides[index]) for index in reversed(includes)
        ]
        levels = [*given, KeyLevel(self.path, self.own), KeyLevel("defaults", self.document.defaults)]
        return EntryTemplate(self.reads, scope, self.node, levels)

    def _included(self, matrix: Matrix, scope: Scope, includes: tuple[int, ...]) -> EntryTemplate | None:
        """The template with the keys of includes; None after an error in one of them."""
        try:
            return self._template(matrix, scope, includes)
        except InvalidValue:
            return None

    def _refuse_changes(self, values: int) -> None:
        """Refuse includes that overlap in too many different ways."""
        if values > MAX_CHANGED:
            summary = f"{self.path}.matrix.include changes combinations in too many different ways (more than "
            summary += f"{MAX_CHANGED:,} values)"
            detail = "Write the differing values as columns of a table: rows: {file: TABLE}."
            self.context.reader.diagnostics.add("too-large", self.own["matrix"], summary, detail, path=self.path)
            raise _TooMany

    def _distinguishes(self, matrix: Matrix, scope: Scope) -> bool:
        """Whether the name contains every axis that can have several values, or one column of a table."""
        node = self.own["name"]
        if matrix.unknown or not matrix.names:
            return True
        try:
            used = template(node.text, scope, TextPurpose.NAME).names
        except BadReference:
            return False
        missing = [name for name in matrix.names if name not in used]
        if len(missing) < len(matrix.names):
            missing = [] if matrix.table else [name for name in missing if self._several(matrix, name)]
        elif matrix.table:
            missing = missing[:1]
        if not missing:
            return True
        suggested = node.text + "".join(f"-${{{name}}}" for name in missing)
        lacking = ", ".join(f"${{{name}}}" for name in missing)
        summary = f"the name {quoted(node.text)} is the same for several combinations of its matrix: it lacks "
        summary += f"{lacking}"
        detail = f'Write name: "{suggested}", for example.'
        self.context.reader.diagnostics.add("matrix", node, summary, detail, path=f"{self.path}.name")
        return False

    def _several(self, matrix: Matrix, name: str) -> bool:
        """Whether an axis has several values, or a file for a list, which may grow."""
        index = matrix.names.index(name)
        cells = [combination.cells[index] for combination in matrix.combinations]
        return len({cell.text for cell in cells}) > 1 or any(cell.location.file != self.manifest for cell in cells)

    @property
    def manifest(self) -> str:
        """The file, as places name it."""
        return self.context.reader.diagnostics.file

    def _placed(
        self, plan: EntryTemplate, combination: Combination, texts: Sequence[str], given: Mapping[str, str]
    ) -> ExpandedSession | None:
        """One combination, with these values, as a session; None after an error."""
        diagnostics = self.context.reader.diagnostics
        values = CombinationValues(zip(combination.names, texts, strict=True))
        diagnostics.origin = combination if combination.names else None
        try:
            spec = plan.spec(values, given)
        except InvalidValue:
            return None
        finally:
            diagnostics.origin = None
        nodes = plan.nodes(values)
        if not (plan.unknown or plan.leaving):
            return ExpandedSession(spec, nodes, self.index, combination)
        unknown = (path for path, node in nodes.items() if path and id(node) in plan.unknown) if plan.unknown else ()
        return ExpandedSession(spec, nodes, self.index, combination, frozenset(unknown), left_out(plan, values))

    def _report_unnamed(self, unnamed: list[tuple[str, Combination]]) -> None:
        """Report rows with an empty cell that the name requires."""
        if not unnamed:
            return
        name, first = unnamed[0]
        summary = f"the name {quoted(self.own['name'].text)} requires {name}, which is empty here"
        if more := len(unnamed) - 1:
            summary += f", and in {more:,} more {noun_for(more, 'row')}"
        location = dict(first.pairs())[name].location
        self.context.reader.diagnostics.add_at(
            "matrix", location, summary, "Fill the cell in.", path=f"{self.path}.name"
        )

    def _count(self, expanded: ExpandedFile, plan: EntryTemplate, spec: SessionSpec) -> None:
        expanded.count += plan.weight
        expanded.size += len(spec.name) + sum(map(len, spec.args)) + sum(map(len, spec.env.values()))
        if summary := excess(expanded.count, expanded.size):
            self.context.reader.diagnostics.add("too-large", self.node, summary, "Split the manifest.")
            raise _TooMany


def _lacking(combination: Combination, plan: EntryTemplate) -> str:
    """The first column that the name requires and that is empty in a combination; "" if there is none."""
    return next((name for name, cell in combination.pairs() if not cell.text and name in plan.naming), "")


def _named_only(matrix: Matrix, plans: Sequence[EntryTemplate]) -> tuple[str, ...]:
    """The axes or columns that the name has, and that neither another value nor an `include` uses.

    A row of a table needs one column that its program receives, so that the name can be another column.
    """
    if not matrix.names or matrix.unknown:
        return ()
    sent = any(plan.sent.intersection(matrix.names) for plan in plans) or any(
        keys.keys() & SENT for keys in matrix.overrides.values()
    )
    if matrix.table and sent:
        return ()
    used = matrix.choosing.union(*(plan.used for plan in plans))
    named = {name.removeprefix("slug.") for plan in plans for name in plan.naming}
    return tuple(name for name in matrix.names if name in named and name not in used)
