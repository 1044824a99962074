"""Errors of form while one manifest is read: each is collected with its place and a snippet, none stops the others."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skaha_apply.model.place import Diagnostic, Place, Severity, snippet

if TYPE_CHECKING:
    from skaha_apply.manifest.nodes import Node

# What can be wrong with the form of a manifest, by the id that a diagnostic bears.
FORM_RULES: dict[str, str] = {
    "duplicate-key": "A key that is given twice hides the first of its values.",
    "empty": "A manifest says at least its version, its project and its sessions.",
    "encoding": "Manifests are UTF-8 text.",
    "file": "Every path of the command line is a readable manifest, or a folder with manifests below it.",
    "missing-key": "Some keys have no default.",
    "too-large": "What is far beyond any survey is refused before it fills the memory.",
    "unknown-key": "A key that is not understood is most likely a misspelt one, and would be ignored in silence.",
    "version": "Another version of the manifest's language may mean something else by the same words.",
    "wrong-type": "Each key has one type: text, a number, a truth value, a list or a mapping.",
    "wrong-value": "Each key has its range of values.",
    "yaml": "Manifests are YAML 1.2, one document a file.",
}

LINE_BREAK = re.compile(r"\r\n|\r|\n")
INDEX = re.compile(r"\[[0-9]+\]")
WITH_SNIPPET = 1_000  # findings of one file that come with a snippet; nobody reads more
SHOWN = 60  # characters of a value that a message repeats


def quoted(value: str) -> str:
    """A value as it stands in a message: in backticks, on one line, cut when long, without control characters."""
    shown = value if len(value) <= SHOWN else value[: SHOWN - 1] + "…"
    return "`" + "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in shown) + "`"


@dataclass
class Findings:
    """The diagnostics of one file, in the order in which they were found, none twice."""

    file: str
    text: str = ""
    _found: dict[tuple[str, Place, str], Diagnostic] = field(default_factory=dict)
    _lines: list[str] | None = None

    def place(self, node: Node) -> Place:
        """Where a node stands."""
        return Place(self.file, node.line, node.column, node.end_line, node.end_column)

    def add(self, rule: str, node: Node, summary: str, detail: str = "", *, path: str = "") -> None:
        """Note what is wrong with a node."""
        self.add_at(rule, self.place(node), summary, detail, path=path)

    def add_at(self, rule: str, place: Place, summary: str, detail: str = "", *, path: str = "") -> None:
        """Note what is wrong at a place."""
        if self._lines is None:
            self._lines = LINE_BREAK.split(self.text)
        few = len(self._found) < WITH_SNIPPET
        line = self._lines[place.line - 1] if few and place.line <= len(self._lines) else ""
        shown = snippet(line, place) if line.strip() else ""
        found = Diagnostic(rule, Severity.ERROR, summary, detail, place, shown, path)
        # What an alias repeats is one mistake, whatever it is an item of.
        self._found.setdefault((rule, place, INDEX.sub("[]", summary)), found)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All of them, by their place."""
        return tuple(sorted(self._found.values(), key=lambda found: found.place))
