"""The tables of a script: a loop that reads several values from each line becomes the rows of one table."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import field, replace
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.generate.scripts.templates import texts_of, with_spec_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skaha_apply.manifest.generate.scripts.templates import Entry

FEWEST_ROWS = 3  # for which a table is shorter than its entries
REFERENCE = re.compile(r"(?<!\$)\$\{[^}]*\}")


@dataclass
class ScriptTables:
    """The tables that a manifest names.

    `folder` is where new tables are written, as the manifest names it; None if none may be written. `texts` are the
    files that the script reads, by their path in the manifest. `written` are the new tables, `tables` the path of the
    table of each entry, by its name as written.
    """

    project: str
    folder: str | None
    texts: Mapping[str, str]
    written: dict[str, str] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)

    def placed(self, entries: Sequence[Entry]) -> list[Entry]:
        """The entries; one with rows stays one if a table can be named for it, else there is an entry for each row."""
        names = {entry.session.spec.name for entry in entries}
        return [one for entry in entries for one in (self._placed(entry, names) if entry.rows else (entry,))]

    def _placed(self, entry: Entry, names: set[str]) -> Iterable[Entry]:
        found = _existing(entry, self.texts)
        if found is not None and found[1].session.spec.name not in names - {entry.session.spec.name}:
            path, entry = found
        elif self.folder is None or len(entry.rows) < FEWEST_ROWS:
            return _rows_apart(entry)
        else:
            path = self._new_path(entry)
            self.written[path] = _table_text(entry)
        self.tables[entry.session.spec.name] = path
        return (entry,)

    def _new_path(self, entry: Entry) -> str:
        name = REFERENCE.sub("", f"{self.project}-{entry.session.spec.name}")
        stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "table"
        folder = "" if self.folder in (None, ".") else f"{self.folder}/"
        path, number = f"{folder}{stem}.csv", 2
        while path in self.written:
            path, number = f"{folder}{stem}-{number}.csv", number + 1
        return path


def _rows_apart(entry: Entry) -> Iterable[Entry]:
    if len(entry.rows) < FEWEST_ROWS:
        return entry.parts
    remark = (
        f"Line {entry.line} creates {len(entry.rows)} sessions with {len(entry.axes)} values each. "
        "`convert --tables DIR` writes the values into a table, and one entry."
    )
    first = entry.parts[0]
    session = replace(first.session, remarks=(remark, *first.session.remarks))
    return (replace(first, session=session), *entry.parts[1:])


def _table_text(entry: Entry) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(entry.axes)
    writer.writerows(entry.rows)
    return text.getvalue()


def _existing(entry: Entry, texts: Mapping[str, str]) -> tuple[str, Entry] | None:
    """A table that the script reads and that has the columns of the entry; its header names them."""
    for path, text in texts.items():
        if path.endswith((".csv", ".tsv")):
            lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
            header, *rows = csv.reader(lines, delimiter="\t" if path.endswith(".tsv") else ",") if lines else ([],)
            named = _named_columns(entry, [name.strip() for name in header], rows)
            if named is not None:
                return path, named
    return None


def _named_columns(entry: Entry, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Entry | None:
    if len(rows) != len(entry.rows) or any(len(row) != len(header) for row in rows):
        return None
    columns = {
        tuple(cell.strip() for cell in column): name
        for name, column in zip(header, zip(*rows, strict=True), strict=True)
        if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII)
    }
    names = {axis: columns[values] for axis, values in entry.axes.items() if values in columns}
    if len(set(names.values())) < len(entry.axes):
        return None
    texts = [REFERENCE.sub(lambda found: _renamed(found[0], names), text) for text in texts_of(entry.session.spec)]
    session = replace(entry.session, spec=with_spec_texts(entry.session.spec, texts))
    return replace(entry, session=session, axes={names[axis]: values for axis, values in entry.axes.items()})


def _renamed(reference: str, names: Mapping[str, str]) -> str:
    return f"${{{names.get(reference[2:-1], reference[2:-1])}}}"
