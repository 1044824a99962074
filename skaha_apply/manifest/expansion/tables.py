"""Reads the table of a matrix: a CSV, TSV or ECSV file with a header, each row a combination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.expansion.list_files import ListFileError
from skaha_apply.manifest.expansion.records import delimiter, records
from skaha_apply.manifest.fields.values import NAME
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.model.counts import counted

if TYPE_CHECKING:
    from skaha_apply.manifest.expansion.list_files import ListFile
    from skaha_apply.manifest.expansion.records import TableRecord


MOST_COLUMNS = 1_000
MARKS = {",": "comma", "\t": "tab", " ": "space"}


@dataclass(frozen=True, slots=True)
class Table:
    """Names of columns, and rows with the number of the line that each begins in; every cell stripped.

    `noted` are cells with a `#` that most likely begins a comment, with their lines.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    noted: tuple[tuple[int, str], ...] = ()


def read_table(file: ListFile, most: int) -> Table:
    """The table of a file. Raises `ListFileError` with its first wrong place, or if it has more than `most` rows."""
    read = records(file)
    header = next(read, None)
    if header is None:
        return Table((), ())
    names = tuple(cell.strip() for cell in header.cells)
    columns = _without_surplus(names, len(names))
    _check_header(columns, file, header.line)
    rows: list[tuple[int, tuple[str, ...]]] = []
    noted: list[tuple[int, str]] = []
    seen: dict[tuple[str, ...], int] = {}
    for record in read:
        row = _row(record, names, columns, file, header.line)
        line = record.line
        if seen.setdefault(row, line) != line:
            raise ListFileError(f"this row is the same as that of line {seen[row]}", "Remove one.", file.shown, line)
        rows.append((line, row))
        if record.noted:
            noted.append((line, record.noted))
        if len(rows) > most:
            raise ListFileError(f"more than {most:,} rows", "Split the table, and the manifest.", file.shown, line)
    return Table(columns, tuple(rows), tuple(noted))


def _row(
    record: TableRecord, names: tuple[str, ...], columns: tuple[str, ...], file: ListFile, header: int
) -> tuple[str, ...]:
    """The cells of a row, stripped, without empty cells beyond the header."""
    cells = _without_surplus(tuple([cell.strip() for cell in record.cells]), len(record.cells) - len(columns))
    if len(cells) == len(columns):
        return cells
    if len(columns) < len(cells) <= len(names):
        raise _unnamed(len(columns), file, header)
    mark = MARKS.get(delimiter(file), "delimiter")
    detail = f"Write double quotes around a cell with a {mark} in it" + (': "a, b".' if mark == "comma" else ".")
    summary = f"this row has {counted(len(cells), 'cell')}, and the header has {len(columns)}"
    raise ListFileError(summary, detail, file.shown, record.line)


def _without_surplus(cells: tuple[str, ...], most: int) -> tuple[str, ...]:
    """The cells without empty ones at the end, of which at most `most` are left out."""
    end = len(cells)
    while end > max(len(cells) - most, 1) and not cells[end - 1]:
        end -= 1
    return cells[:end]


def _unnamed(index: int, file: ListFile, line: int) -> ListFileError:
    detail = "The first line names the columns: letters, digits, _ and -, not beginning with a digit."
    return ListFileError(f"column {index + 1} has no name", detail, file.shown, line)


def _check_header(columns: tuple[str, ...], file: ListFile, line: int) -> None:
    if len(columns) > MOST_COLUMNS:
        raise ListFileError(f"more than {MOST_COLUMNS:,} columns", "", file.shown, line)
    for index, name in enumerate(columns):
        if not name:
            raise _unnamed(index, file, line)
        if NAME.match(name) is None:
            detail = "The first line names the columns: letters, digits, _ and -, not beginning with a digit."
            if len(columns) == 1 and any(mark in name for mark in ";\t"):
                detail = "Separate the columns by commas, or by tabs in a file whose name ends in .tsv."
            raise ListFileError(f"{quoted(name)} is not a name for a column", detail, file.shown, line)
        if name in columns[:index]:
            raise ListFileError(f"two columns are named {quoted(name)}", "Rename one.", file.shown, line)
