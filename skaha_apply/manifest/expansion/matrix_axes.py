"""Reads the axes of a matrix, or the columns of its table: names, and values with their locations."""

from __future__ import annotations

import itertools
import os
from dataclasses import field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.expansion.list_files import NOTE, ListFileError
from skaha_apply.manifest.expansion.tables import read_table
from skaha_apply.manifest.fields.values import NAME, WORDS, InvalidValue
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.manifest.variables.interpolation import BadReference, Scope, TextPurpose, template
from skaha_apply.model.diagnostics import Location

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skaha_apply.manifest.expansion.list_files import ListFile, Lists
    from skaha_apply.manifest.fields.values import KeyValue, NodeReader
    from skaha_apply.manifest.source.nodes import Node
    from skaha_apply.manifest.variables.declared import Variables

MOST = 200_000  # combinations of one session
MAX_REPORTED = 10  # duplicate values of a list that are reported
PARTS = ("include", "exclude")


@dataclass(frozen=True, slots=True)
class LocatedValue:
    """A value of an axis or a column as written, with its location."""

    text: str
    location: Location


@dataclass(frozen=True)
class MatrixContext:
    """What reading a matrix requires: a reader of nodes, variables, lists, and the folder of the manifest."""

    reader: NodeReader
    variables: Variables
    lists: Lists | None
    folder: str


@dataclass(frozen=True)
class Axes:
    """Names in written order, and the values of each, or the rows of a table.

    `lists` is None if the values depend on a variable without a value.
    """

    node: Node
    location: Location
    names: tuple[str, ...]
    lists: Mapping[str, tuple[LocatedValue, ...]] | None = field(default_factory=dict)
    rows: tuple[tuple[LocatedValue, ...], ...] = ()
    table: bool = False


class UnknownValueError(Exception):
    """A value that depends on a variable without a value."""


def read_axes(context: MatrixContext, node: Node, path: str) -> Axes:
    """The axes of a matrix. Raises `InvalidValue` after what is wrong was reported."""
    entries = context.reader.entries(node, path)
    axes = {name: entry for name, entry in entries.items() if name not in PARTS}
    location = context.reader.diagnostics.location(node)
    if not axes:
        detail = "Write an axis, tile: [t001, t002], or a table, rows: {file: fields.csv}."
        raise context.reader.refuse("matrix", node, f"{path} has no axis", detail, path=path)
    if "rows" in axes:
        return _table(context, node, path, axes, location)
    lists: dict[str, tuple[LocatedValue, ...]] = {}
    failed = unknown = False
    for name, entry in axes.items():
        try:
            lists[name] = _axis(context, name, entry, f"{path}.{name}")
        except UnknownValueError:
            unknown = True
        except InvalidValue:
            failed = True
    if failed:
        raise InvalidValue(path)
    return Axes(node, location, tuple(axes), None if unknown else lists)


def _table(context: MatrixContext, node: Node, path: str, axes: Mapping[str, KeyValue], location: Location) -> Axes:
    for name, entry in axes.items():
        if name != "rows":
            detail = "Write either axes or rows: {file: TABLE}. Each column of the table is a value already."
            raise context.reader.refuse(
                "matrix", entry.key, f"{path} has both rows and the axis {quoted(name)}", detail, path=f"{path}.{name}"
            )
    where = axes["rows"].value
    if where.shape != "mapping":
        detail = "Write rows: {file: fields.csv}."
        raise context.reader.refuse(
            "wrong-type", where, f"{path}.rows must be a mapping, not {WORDS[where.shape]}", detail, path=f"{path}.rows"
        )
    try:
        listed, file = _file(context, where, f"{path}.rows")
    except UnknownValueError:
        return Axes(node, location, (), None, (), True)
    try:
        table = read_table(file, MOST)
    except ListFileError as error:
        raise _wrong_list(context, listed, error, f"{path}.rows") from None
    rows = tuple(_row(file.shown, line, cells) for line, cells in table.rows)
    noted = [(Location(file.shown, line, 1, line, 1), text) for line, text in table.noted]
    _warn_noted(context, noted, f"{path}.rows")
    return Axes(node, location, table.columns, {}, rows, True)


def _row(file: str, line: int, cells: tuple[str, ...]) -> tuple[LocatedValue, ...]:
    location = Location(file, line, 1, line, 1)
    return tuple([LocatedValue(cell, location) for cell in cells])


def _axis(context: MatrixContext, name: str, entry: KeyValue, path: str) -> tuple[LocatedValue, ...]:
    if NAME.match(name) is None:
        detail = "A name begins with a letter or _, followed by letters, digits, _ and -."
        raise context.reader.refuse(
            "wrong-value", entry.key, f"{quoted(name)} is not a name for an axis", detail, path=path
        )
    node = entry.value
    if node.shape == "mapping":
        listed, file = _file(context, node, path)
        found = file.values(MOST)
        if len(found) > MOST:
            error = ListFileError(
                f"more than {MOST:,} values", "Split the list, and the manifest.", file.shown, found[MOST][1].line
            )
            raise _wrong_list(context, listed, error, path)
        values = list(itertools.starmap(LocatedValue, found))
        _warn_noted(context, [(location, text) for text, location in found if NOTE.search(text)], path)
    elif node.shape == "sequence":
        values = _written_values(context, node, path)
    else:
        what = "empty" if node.empty else WORDS[node.shape]
        detail = _meant(name, node)
        raise context.reader.refuse("wrong-type", node, f"{path} must be a list, not {what}", detail, path=path)
    _refuse_twice(context, values, path)
    return tuple(values)


def _warn_noted(context: MatrixContext, noted: Sequence[tuple[Location, str]], path: str) -> None:
    """Warn of values with a `#`, which begins a comment only at the beginning of a line, in lists and tables."""
    for location, text in noted[:MAX_REPORTED]:
        summary = f"the value {quoted(text.strip())} has a # in it, which does not begin a comment here"
        detail = (
            "The whole text is the value. Write the comment on a line of its own. In a table, quotes confirm the #."
        )
        context.reader.diagnostics.add_at("list-comment", location, summary, detail, path=path)


def _meant(name: str, node: Node) -> str:
    """What to write for an axis that is not a list; a single text is most likely the name of a file."""
    if name == "file":
        return f"Write a name for the axis: tile: {{file: {quoted(node.text or 'tiles.txt')[1:-1]}}}."
    if node.text and ("." in node.text or "/" in node.text):
        return f"Write {name}: {{file: {quoted(node.text)[1:-1]}}} for a list in a file, or {name}: [one, two]."
    return f"Write {name}: [one, two], or {name}: {{file: {name}.txt}}."


def _written_values(context: MatrixContext, node: Node, path: str) -> list[LocatedValue]:
    values: list[LocatedValue] = []
    failed = False
    for index, item in enumerate(node.items):
        try:
            values.append(written(context, item, f"{path}[{index}]"))
        except InvalidValue:
            failed = True
    if failed:
        raise InvalidValue(path)
    for index, (item, value) in enumerate(zip(node.items, values, strict=True)):
        if not value.text:
            raise context.reader.refuse("wrong-value", item, f"{path}[{index}] is an empty text", path=path)
    return values


def _refuse_twice(context: MatrixContext, values: Iterable[LocatedValue], path: str) -> None:
    seen: dict[str, Location] = {}
    twice = 0
    for value in values:
        first = seen.setdefault(value.text, value.location)
        if first is value.location:
            continue
        twice += 1
        if twice <= MAX_REPORTED:
            summary = f"{path} has {quoted(value.text)} twice; the first is at {first.file}:{first.line}"
            context.reader.diagnostics.add_at("matrix", value.location, summary, "Remove one of the two.", path=path)
    if twice:
        raise InvalidValue(path)


def written(context: MatrixContext, node: Node, path: str) -> LocatedValue:
    """A value as written, with variables filled in; raises `InvalidValue` or `UnknownValueError`."""
    text = context.reader.text(node, path)
    if "${" in text:
        try:
            filled = template(text, Scope(context.variables), TextPurpose.MATRIX)
        except BadReference as error:
            raise context.reader.refuse("interpolation", node, error.summary, error.detail, path=path) from None
        if filled.unknown:
            raise UnknownValueError(path)
        text = filled.fill({})
    return LocatedValue(text, context.reader.diagnostics.location(node))


def _file(context: MatrixContext, node: Node, path: str) -> tuple[LocatedValue, ListFile]:
    """The list of `{file: NAME}`, and that name with its location."""
    entries = context.reader.entries(node, path)
    for key, entry in entries.items():
        if key != "file":
            near = get_close_matches(key.lower()[:100], ["file"], n=1)
            detail = "Did you mean file?" if near else "Write {file: NAME}."
            raise context.reader.refuse(
                "unknown-key", entry.key, f"{quoted(key)} is not a key of {path}", detail, path=f"{path}.{key}"
            )
    if "file" not in entries:
        raise context.reader.refuse("missing-key", node, f"{path} names no file", "Write {file: NAME}.", path=path)
    listed = written(context, entries["file"].value, f"{path}.file")
    if context.lists is None:
        raise UnknownValueError(path)
    try:
        file = context.lists.get(listed.text, context.folder or os.curdir)
    except ListFileError as error:
        raise _wrong_list(context, listed, error, f"{path}.file") from None
    context.reader.diagnostics.know(file.shown, file.text)
    return listed, file


def _wrong_list(context: MatrixContext, listed: LocatedValue, error: ListFileError, path: str) -> InvalidValue:
    location = Location(error.file, error.line, 1, error.line, 1) if error.file else listed.location
    context.reader.diagnostics.add_at(
        "matrix" if error.file else "list-file", location, error.summary, error.detail, path=path
    )
    return InvalidValue(path)
