"""Counts what a file expands to before anything is expanded, so that a small file cannot take minutes or fill memory.

Aliases, `<<`, defaults and matrices repeat values. The counts follow from the lengths of lists and mappings, each of
which is measured once however often it is repeated.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.expansion.list_files import ListFileError
from skaha_apply.manifest.expansion.matrix_axes import PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skaha_apply.manifest.document import Document
    from skaha_apply.manifest.expansion.list_files import ListFile
    from skaha_apply.manifest.expansion.matrix_axes import MatrixContext
    from skaha_apply.manifest.source.nodes import Node

MAX_ENTRIES = 100_000  # entries of one file, counted as often as aliases repeat them
MAX_VALUES = 2_000_000  # arguments, variables and dependencies of all sessions of one file
MAX_TEXT = 100_000_000  # characters of names, arguments and variables of all sessions of one file
_SPLIT = "split the manifest: the files of one project are merged"
# By part of a session: what the message calls its values, and the way out.
_PARTS = {
    "args": ("arguments", f"Let the sessions read the arguments from a file, or {_SPLIT}."),
    "env": ("variables", f"Let the sessions read the variables from a file, or {_SPLIT}."),
    "needs": (
        "dependencies",
        f"Write the dependencies as one session with a matrix, which needs one name, or {_SPLIT}.",
    ),
    "combinations": ("combinations", f"{_SPLIT.capitalize()}."),
}


def refuse_large(document: Document, context: MatrixContext) -> bool:
    """Report a file that is too large once it is expanded, at the entry that passes the limit; false if none does.

    Each line of a list counts as a value at first. Before a refusal, comments and blank lines are left out.
    """
    entries = len(document.sessions)
    if entries > MAX_ENTRIES:
        summary = f"{entries:,} sessions in one file, more than {MAX_ENTRIES:,}"
        detail = "Write sessions that differ in values as one session with a matrix, or split the manifest."
        document.reader.diagnostics.add("too-large", document.sessions[MAX_ENTRIES][0], summary, detail)
        return True
    if _FileSize(document, context, _rough_lines).first_excess() is None:
        return document.reader.merges_too_much()
    found = _FileSize(document, context, _exact_lines).first_excess()
    if found is None:
        return False
    node, summary, way_out = found
    document.reader.diagnostics.add("too-large", node, summary, way_out)
    return True


def excess(values: int, text: int) -> str:
    """What a file has too much of after it was expanded; "" if it is not too large."""
    if values > MAX_VALUES:
        return f"more than {MAX_VALUES:,} values after aliases, defaults and matrices are filled in"
    if text > MAX_TEXT:
        return f"more than {MAX_TEXT:,} characters after aliases, defaults and matrices are filled in"
    return ""


@dataclass
class _FileSize:
    """The size of one file. `lines` counts the values of a list file."""

    document: Document
    context: MatrixContext
    lines: Callable[[ListFile], int]
    measured: dict[tuple[int, ...], tuple[int, int]] = field(default_factory=dict)
    listed: dict[str, int] = field(default_factory=dict)

    def first_excess(self) -> tuple[Node, str, str] | None:
        """The entry that passes a limit, what is wrong, and the way out; None if no entry does."""
        parts: Counter[str] = Counter()
        text = 0
        for index, (node, own) in enumerate(self.document.sessions):
            if node.shape != "mapping":
                continue
            combinations = self._combinations(own, f"sessions[{index}].matrix")
            sizes = {name: self._size(name, own, index) for name in ("args", "env", "needs")}
            parts["combinations"] += combinations
            for name, (count, _) in sizes.items():
                parts[name] += combinations * count
            text += combinations * sum(length for _, length in sizes.values())
            if self.document.reader.merges_too_much():
                return None
            if parts.total() > MAX_VALUES:
                return node, *_too_many(parts, index + 1)
            if text > MAX_TEXT:
                return node, excess(0, text), f"{_SPLIT.capitalize()}."
        return None

    def _size(self, name: str, own: Mapping[str, Node], index: int) -> tuple[int, int]:
        """The number of values of a key, and of their characters."""
        defaults = self.document.defaults
        levels = [(own[name], f"sessions[{index}]")] if name in own else []
        if name in defaults and (name == "env" or not levels):
            levels.append((defaults[name], "defaults"))
        if not levels:
            return 0, 0
        key = tuple(id(node) for node, _ in levels)
        if key not in self.measured:
            self.measured[key] = self._measure(name, levels)
        return self.measured[key]

    def _measure(self, name: str, levels: list[tuple[Node, str]]) -> tuple[int, int]:
        if name == "env":
            texts: dict[str, int] = {}
            for node, path in reversed(levels):
                if node.shape == "mapping":
                    entries = self.document.reader.entries(node, f"{path}.env")
                    texts.update({key: _length(entry.value) for key, entry in entries.items()})
            return len(texts), sum(texts.values())
        node = levels[0][0]
        if node.shape == "sequence":
            return len(node.items), sum(map(_length, node.items))
        return len(node.text.split()), _length(node)

    def _combinations(self, own: Mapping[str, Node], path: str) -> int:
        """The number of combinations of an entry, before `exclude` and `include`."""
        node = own.get("matrix")
        if node is None or node.shape != "mapping":
            return 1
        axes = self.document.reader.entries(node, path)
        named = ((name, entry.value) for name, entry in axes.items() if name not in PARTS)
        return math.prod(self._values(value, f"{path}.{name}") for name, value in named)

    def _values(self, node: Node, path: str) -> int:
        if node.shape == "sequence":
            return len(node.items)
        named = self.document.reader.entries(node, path).get("file") if node.shape == "mapping" else None
        if named is None or self.context.lists is None or named.value.shape != "scalar" or "${" in named.value.text:
            return 1
        name = named.value.text
        if name not in self.listed:
            try:
                self.listed[name] = self.lines(self.context.lists.get(name, self.context.folder or os.curdir))
            except ListFileError:
                self.listed[name] = 1  # reported when the matrix is read
        return self.listed[name]


def _rough_lines(file: ListFile) -> int:
    return file.text.count("\n") + 1


def _exact_lines(file: ListFile) -> int:
    return len(file.values())


def _too_many(parts: Mapping[str, int], entries: int) -> tuple[str, str]:
    """What to report of a file whose first entries have too many values, and the way out."""
    name, count = max(parts.items(), key=lambda part: part[1])
    what, way_out = _PARTS[name]
    return f"{excess(MAX_VALUES + 1, 0)}; the first {entries:,} sessions have {count:,} {what}", way_out


def _length(node: Node) -> int:
    """The characters of a text; 0 if they depend on references."""
    return 0 if "${" in node.text else len(node.text)
