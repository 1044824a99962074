"""The table of a matrix: a CSV file with a header line, each column a value, each row a combination."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skaha_apply.manifest.findings import quoted
from skaha_apply.manifest.matrix.lists import Unlisted
from skaha_apply.manifest.names import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skaha_apply.manifest.matrix.lists import ListFile


MOST_COLUMNS = 1_000


@dataclass(frozen=True, slots=True)
class Table:
    """Names of columns, and rows with the number of the line that each begins in; every cell stripped."""

    columns: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read_table(file: ListFile, most: int) -> Table:
    """The table of a CSV file; raises `Unlisted` with the first place that makes it none, or with more than `most`."""
    lines = _rows(file)
    header = next(lines, None)
    if header is None:
        return Table((), ())
    columns = tuple(cell.strip() for cell in header[1])
    _check_header(columns, file, header[0])
    rows: list[tuple[int, tuple[str, ...]]] = []
    seen: dict[tuple[str, ...], int] = {}
    for line, cells in lines:
        if len(cells) != len(columns):
            summary = f"this row has {len(cells)} cell{'s' * (len(cells) != 1)}, and the header {len(columns)}"
            detail = 'A cell with a comma in it goes in double quotes: "a, b".'
            raise Unlisted(summary, detail, file.shown, line)
        row = tuple(cell.strip() for cell in cells)
        if seen.setdefault(row, line) != line:
            raise Unlisted(f"this row is the same as that of line {seen[row]}", "Remove one.", file.shown, line)
        rows.append((line, row))
        if len(rows) > most:
            raise Unlisted(f"more than {most:,} rows", "Split the table, and the manifest.", file.shown, line)
    return Table(columns, tuple(rows))


def _rows(file: ListFile) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(file.text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Unlisted(f"this is not CSV: {error}", "", file.shown, line) from None
        if any(cell.strip() for cell in row):
            yield line, row


def _check_header(columns: tuple[str, ...], file: ListFile, line: int) -> None:
    if len(columns) > MOST_COLUMNS:
        raise Unlisted(f"more than {MOST_COLUMNS:,} columns", "", file.shown, line)
    for index, name in enumerate(columns):
        if NAME.match(name) is None:
            detail = "The first line names the columns: letters, digits, _ and -, not beginning with a digit."
            if len(columns) == 1 and any(mark in name for mark in ";\t"):
                detail = "Separate the columns by commas."
            what = f"{quoted(name)} is no name of a column" if name else f"column {index + 1} has no name"
            raise Unlisted(what, detail, file.shown, line)
        if name in columns[:index]:
            raise Unlisted(f"two columns are named {quoted(name)}", "Rename one.", file.shown, line)
