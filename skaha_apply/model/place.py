"""Places in manifests, and findings about them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class Place:
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


class Severity(StrEnum):
    """Errors are what cannot work; warnings are what will surprise."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about a manifest.

    `summary` is one line: what is wrong. `detail` says what happens on the server and what to write instead. `snippet`
    is the line of the manifest with a caret line below it, or empty. `path` is the place in the document
    (`sessions[3].args[2]`).
    """

    rule: str
    severity: Severity
    summary: str
    detail: str
    place: Place
    snippet: str = ""
    path: str = ""
