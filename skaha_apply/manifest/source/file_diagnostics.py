"""Collects the syntax errors of one manifest with location and snippet, so that one error does not hide others."""

from __future__ import annotations

import re
from dataclasses import field, replace
from typing import TYPE_CHECKING, Protocol

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.counts import noun_for
from skaha_apply.model.diagnostics import Diagnostic, Location, Severity, snippet

if TYPE_CHECKING:
    from collections.abc import Collection

    from skaha_apply.manifest.source.nodes import Node

# The syntax errors of a manifest by the rule ID of their diagnostics, each with its reason.
SYNTAX_RULES: dict[str, str] = {
    "duplicate-key": "If a key is there twice, the second value hides the first.",
    "empty": "A manifest has at least `version`, `project` and `sessions`.",
    "encoding": "Manifests are UTF-8 text.",
    "file": "Every path on the command line must be a readable manifest, or a folder with manifests below it.",
    "interpolation": "An invalid `${...}` would be sent to the server as written.",
    "list-comment": "In a list or table, a `#` begins a comment only at the beginning of a line (a warning).",
    "list-file": "The lists and tables of a matrix are text files below the folder of the manifest or the invocation.",
    "matrix": "Each combination of a matrix is one session and must have its own name.",
    "missing-key": "Some keys have no default.",
    "too-large": "The tool refuses input that is too large, before it fills the memory.",
    "unmatched": "An `include` or `exclude` that matches no combination is most likely misspelled. So is an `include` "
    "that adds an existing combination, or one with keys of a session that adds a combination (a warning).",
    "unknown-key": "An unknown key is most likely misspelled, and would have no effect.",
    "variable": "All manifests of an invocation declare a variable alike. No session is created without its value.",
    "version": "In another version of the manifest, the same keys can have another meaning.",
    "wrong-type": "Each key has one type: text, a number, a truth value, a list or a mapping.",
    "wrong-value": "Each key has its range of values.",
    "yaml": "Manifests are YAML 1.2, one document in each file.",
}
SYNTAX_WARNINGS = frozenset({"list-comment", "unmatched"})  # the warnings among them

LINE_BREAK = re.compile(r"\r\n|\r|\n")
INDEX = re.compile(r"\[[0-9]+\]")
WITH_SNIPPET = 1_000  # diagnostics of one file with a snippet; nobody reads more
SHOWN = 60  # characters of a value that a message repeats


def quoted(value: str) -> str:
    """A value for a message: in backticks, on one line, cut if it is long, without control characters."""
    shown = value if len(value) <= SHOWN else value[: SHOWN - 1] + "…"
    return "`" + "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in shown) + "`"


class Describable(Protocol):
    """A combination of a matrix that diagnostics are about."""

    def described(self, names: Collection[str]) -> str:
        """Those of its values that matter, with their locations: tile = `NGC 4501` (tiles.txt:3)."""
        ...


@dataclass
class FileDiagnostics:
    """The diagnostics of one file, in the order in which they were found, none twice.

    While `origin` is set, diagnostics are about that combination. Those of several combinations at one location become
    one diagnostic, which names the first. `using` are the values that it names.
    """

    file: str
    text: str = ""
    others: dict[str, str] = field(default_factory=dict)
    origin: Describable | None = None
    using: Collection[str] = ()
    _found: dict[tuple[str, Location, str], Diagnostic] = field(default_factory=dict)
    _more: dict[tuple[str, Location, str], int] = field(default_factory=dict)
    _lines: dict[str, list[str]] = field(default_factory=dict)

    def location(self, node: Node) -> Location:
        """The location of a node."""
        return Location(self.file, node.line, node.column, node.end_line, node.end_column)

    def add(self, rule: str, node: Node, summary: str, detail: str = "", *, path: str = "") -> None:
        """Add a diagnostic about a node."""
        self.add_at(rule, self.location(node), summary, detail, path=path)

    def add_at(self, rule: str, location: Location, summary: str, detail: str = "", *, path: str = "") -> None:
        """Add a diagnostic about a location."""
        # One mistake that an alias repeats, or that many combinations share, is one diagnostic.
        key = (rule, location, INDEX.sub("[]", path if self.origin else summary))
        if key in self._found:
            self._more[key] = self._more.get(key, 0) + bool(self.origin)
            return
        described = self.origin.described(self.using) if self.origin else ""
        if described:
            summary = f"{summary}, with {described}"
        severity = Severity.WARNING if rule in SYNTAX_WARNINGS else Severity.ERROR
        self._found[key] = Diagnostic(rule, severity, summary, detail, location, self._snippet(location), path)

    def know(self, file: str, text: str) -> None:
        """Add the text of another file, for snippets of diagnostics about it."""
        self.others.setdefault(file, text)

    @property
    def texts(self) -> dict[str, str]:
        """The texts of snippets, by file."""
        return {self.file: self.text, **self.others}

    def mask(self, node: Node) -> None:
        """Mask a value in all snippets."""
        lines = self._of(self.file)
        location = self.location(node)
        for number in range(location.line, min(location.end_line, len(lines)) + 1):
            line = lines[number - 1]
            start = location.column - 1 if number == location.line else 0
            end = location.end_column - 1 if number == location.end_line else len(line)
            lines[number - 1] = line[:start] + "*" * len(line[start:end]) + line[end:]
        self.text = "\n".join(lines)

    def _of(self, file: str) -> list[str]:
        if file not in self._lines:
            self._lines[file] = LINE_BREAK.split(self.texts.get(file, ""))
        return self._lines[file]

    def _snippet(self, location: Location) -> str:
        lines = self._of(location.file) if len(self._found) < WITH_SNIPPET else []
        line = lines[location.line - 1] if location.line <= len(lines) else ""
        return snippet(line, location) if line.strip() else ""

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All diagnostics, sorted by location."""
        counted = (self._counted(key, found) for key, found in self._found.items())
        return tuple(sorted(counted, key=lambda found: found.location))

    def _counted(self, key: tuple[str, Location, str], found: Diagnostic) -> Diagnostic:
        more = self._more.get(key, 0)
        if not more:
            return found
        others = f"and {more:,} more {noun_for(more, 'combination')}"
        return replace(found, summary=f"{found.summary}, {others}")
