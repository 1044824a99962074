"""Diagnostics about manifests, and the location and snippet of text that each shows."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A range of text in a manifest; lines and columns count from 1, the end is exclusive.

    `file` is the path as the user would write it, or `-` for standard input.
    """

    file: str
    line: int = 1
    column: int = 1
    end_line: int = 1
    end_column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


SNIPPET_WIDTH = 110  # characters of a line that a snippet shows


def snippet(line: str, location: Location) -> str:
    """The first line of a location, with carets below the text; a long line is cut around it.

    Control characters become a replacement character, tabs become one space.
    """
    first = max(location.column - 1, 0)
    last = location.end_column - 1 if location.end_line == location.line else len(line)
    last = min(max(last, first + 1), max(len(line), first + 1))
    cut = max(0, first - SNIPPET_WIDTH // 2) if len(line) > SNIPPET_WIDTH else 0
    shown = "".join(
        " " if char == "\t" else char if char.isprintable() else "\ufffd" for char in line[cut : cut + SNIPPET_WIDTH]
    ).rstrip()
    carets = max(1, min(last - cut, SNIPPET_WIDTH) - (first - cut))
    return f"{shown}\n{' ' * (first - cut)}{'^' * carets}"


class Severity(StrEnum):
    """An error cannot work. A warning works, but most likely not as meant."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One message about a manifest.

    `summary` states on one line what is wrong, `detail` what happens on the server and what to write instead. `snippet`
    is the line of the manifest with a line of carets below, or empty. `path` is the field: the index of
    `sessions[3].args[2]` is that of the list in its file; "" is the whole file. `session` is the name of the session as
    written, "" if there is none.
    """

    rule: str
    severity: Severity
    summary: str
    detail: str
    location: Location
    snippet: str = ""
    path: str = ""
    session: str = ""


@dataclass(frozen=True, slots=True)
class Ignore:
    """A comment that switches off one rule for one line of its file; `location` is that of the comment."""

    rule: str
    line: int
    location: Location


@dataclass(frozen=True, slots=True)
class RuleText:
    """Texts about a rule; `page` is its page below `docs/`, "" for a syntax error."""

    id: str
    severity: Severity
    title: str
    why: str
    page: str = ""


@dataclass(frozen=True)
class LintReport:
    """The result of `lint`, as every format shows it.

    `found` has the errors first. `rules` are the rules that were checked, `files` all manifests, also unreadable ones.
    `strict`: warnings fail too. `paths` gives files relative to the repository, as CI systems name them; other files
    keep their names.
    """

    found: tuple[Diagnostic, ...]
    rules: tuple[RuleText, ...]
    files: tuple[str, ...] = ()
    strict: bool = False
    paths: Mapping[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> int:
        """The number of errors."""
        return sum(one.severity is Severity.ERROR for one in self.found)

    @property
    def failed(self) -> bool:
        """Whether `lint` fails: on any error, with `strict` also on any warning."""
        return bool(self.errors or (self.strict and self.found))

    def path(self, file: str) -> str:
        """The path of a file as the repository names it."""
        return self.paths.get(file, file)


@dataclass(frozen=True, slots=True)
class Formatted:
    """One manifest before and after `fmt`; `problems` are the syntax errors that prevent a change."""

    file: str
    before: bytes
    after: bytes
    problems: tuple[Diagnostic, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether `fmt` changes the file."""
        return self.before != self.after
