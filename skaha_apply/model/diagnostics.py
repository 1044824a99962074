"""Diagnostics about manifests, as loader and linter report them and all formats show them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.model.location import Location


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
