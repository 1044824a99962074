"""The records of a table as other tools write them: CSV, TSV and ECSV, with the line that each begins in.

The standard library has a CSV reader, but it does not know comments, and it refuses a space behind a closing quote or
accepts a quote that is never closed.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.expansion.list_files import NOTE, ListFileError, is_comment
from skaha_apply.manifest.source.file_diagnostics import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skaha_apply.manifest.expansion.list_files import ListFile

ECSV = "# %ECSV"
_DELIMITER = re.compile(r"#\s*delimiter:\s*(?:'(.)'|\"(.)\"|(\S))\s*\Z")
_CLOSING = re.compile(r'[^"]*(?:""[^"]*)*"(?!")')  # up to the quote that closes a cell


@dataclass(frozen=True, slots=True)
class TableRecord:
    """One row: its cells, its first line, and a cell with a `#` that most likely begins a comment."""

    line: int
    cells: list[str]
    noted: str = ""


def delimiter(file: ListFile) -> str:
    """The character between two cells: a tab in `.tsv`, as its header states in ECSV, else a comma."""
    if file.text.startswith(ECSV):
        for line in io.StringIO(file.text):
            if not line.startswith("#"):
                break
            if found := _DELIMITER.match(line.rstrip()):
                return found[1] or found[2] or found[3]
        return " "
    return "\t" if file.shown.lower().endswith(".tsv") else ","


def records(file: ListFile) -> Iterator[TableRecord]:
    """Every row that is neither blank nor a comment; raises `ListFileError` for a quote that is not closed."""
    return _RecordReader(file, delimiter(file)).records()


class _RecordReader:
    def __init__(self, file: ListFile, mark: str) -> None:
        self.file = file
        self.mark = mark
        self.blank = " " if mark == "\t" else " \t"
        self.bare = re.compile(rf"[^{re.escape(mark)}\n]*")
        self.lines = enumerate(io.StringIO(file.text, newline=None), start=1)

    def records(self) -> Iterator[TableRecord]:
        for number, line in self.lines:
            if not line.strip() or is_comment(line):
                continue
            noted = ""
            if '"' in line or self.mark == " ":
                cells, bare = self._cells(number, line)
            else:
                cells = bare = line.rstrip("\n").split(self.mark)
            if "#" in line and self.mark != " ":
                noted = next((cell for cell in bare if NOTE.search(cell)), "")
            if any(cell.strip() for cell in cells):
                yield TableRecord(number, cells, noted)

    def _cells(self, number: int, line: str) -> tuple[list[str], list[str]]:
        """All cells of a row, and those of them without quotes."""
        cells: list[str] = []
        bare: list[str] = []
        at = 0
        while True:
            at = self._after_blanks(line, at)
            if line[at : at + 1] == '"':
                cell, line, at = self._quoted(number, line, at + 1)
                at = self._after_blanks(line, at)
            else:
                found = self.bare.match(line, at)
                cell, at = (found[0], found.end()) if found else ("", at)
                bare.append(cell)
            cells.append(cell)
            if self.mark == " ":
                after, at = at, self._after_blanks(line, at)
                if line[at : at + 1] not in {"", "\n"} and (at > after or line[at - 1] == " "):
                    continue
            if line[at : at + 1] in {"", "\n"}:
                return cells, bare
            if line[at] != self.mark:
                summary = f"this is not CSV: {quoted(line[at])} follows a closing quote"
                detail = 'Write a quote within a cell twice: "5"" pipe".'
                raise ListFileError(summary, detail, self.file.shown, number)
            at += 1

    def _after_blanks(self, line: str, at: int) -> int:
        while line[at : at + 1] and line[at] in self.blank:
            at += 1
        return at

    def _quoted(self, number: int, line: str, at: int) -> tuple[str, str, int]:
        """The cell behind an opening quote, the line that it ends in, and the place behind its closing quote."""
        pieces: list[str] = []
        while (closing := _CLOSING.match(line, at)) is None:
            pieces.append(line[at:])
            _, line = next(self.lines, (0, ""))
            at = 0
            if not line:
                detail = 'Close it, or write a quote within a cell twice: "5"" pipe".'
                summary = "this is not CSV: a quote that opens in this row is never closed"
                raise ListFileError(summary, detail, self.file.shown, number)
        pieces.append(closing[0][:-1])
        return "".join(pieces).replace('""', '"'), line, closing.end()
