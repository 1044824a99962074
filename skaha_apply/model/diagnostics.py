"""Places in manifests, and findings about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.model.location import Location


class Severity(StrEnum):
    """Errors are what cannot work; warnings are what will surprise."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about a manifest.

    `summary` is one line: what is wrong. `detail` says what happens on the server and what to write instead. `snippet`
    is the line of the manifest with a caret line below it, or empty. `path` is the place in its file: the index of
    `sessions[3].args[2]` is that of the file's own list; "" for the whole file. `session` is the name of the session as
    it is written there, "" where it has none or the finding is about no session.
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
    """A comment that switches one rule off for one line of the same file; `location` is that of the comment."""

    rule: str
    line: int
    location: Location


@dataclass(frozen=True, slots=True)
class RuleText:
    """What there is to say about a rule; `page` is its page below `docs/`, "" for an error of form."""

    id: str
    severity: Severity
    title: str
    why: str
    page: str = ""


@dataclass(frozen=True)
class LintReport:
    """What one call of `lint` found, as every format shows it.

    `found` has the errors first, `rules` are those that were checked, `files` the manifests that were read or could not
    be. `strict` says that warnings fail too. `paths` gives files relative to the repository, as CI systems name them;
    what is not in it keeps its name.
    """

    found: tuple[Diagnostic, ...]
    rules: tuple[RuleText, ...]
    files: tuple[str, ...] = ()
    strict: bool = False
    paths: Mapping[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(one.severity is Severity.ERROR for one in self.found)

    @property
    def failed(self) -> bool:
        """Whether the call fails: on any error, with `strict` on any finding."""
        return bool(self.errors or (self.strict and self.found))

    def path(self, file: str) -> str:
        """A file as the repository names it."""
        return self.paths.get(file, file)


@dataclass(frozen=True, slots=True)
class Formatted:
    """One manifest as it is and as it should be; `problems` says why there is nothing that it should be."""

    file: str
    before: bytes
    after: bytes
    problems: tuple[Diagnostic, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the two differ."""
        return self.before != self.after
