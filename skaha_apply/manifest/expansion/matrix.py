"""Reads the `matrix` of an entry: axes or a table, `include` and `exclude` become combinations in written order."""

from __future__ import annotations

import itertools
import math
from dataclasses import field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.expansion import suggestions
from skaha_apply.manifest.expansion.matrix_axes import MOST, Axes, LocatedValue, UnknownValueError, read_axes, written
from skaha_apply.manifest.fields.session_fields import BY_NAME
from skaha_apply.manifest.fields.values import WORDS, InvalidValue
from skaha_apply.manifest.source.file_diagnostics import quoted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from skaha_apply.manifest.expansion.matrix_axes import MatrixContext
    from skaha_apply.manifest.source.nodes import Node

MAX_NAMED = 4  # values of a combination that a message names
MOST_ALIKE = 10  # warnings with the nearest combination, which takes a while to find
MAX_TRIES = 10_000_000  # combinations, each tried with every set of axes that entries of include or exclude choose by
OF_THE_WHOLE = ("name", "matrix", "parallelism", "pilot", "stop_after")  # keys that no single combination can have


@dataclass(frozen=True, slots=True)
class Combination:
    """One value of each axis, and the indices of the includes whose keys apply to it."""

    names: tuple[str, ...] = ()
    cells: tuple[LocatedValue, ...] = ()
    includes: tuple[int, ...] = ()

    def pairs(self) -> Iterable[tuple[str, LocatedValue]]:
        """The values by axis or column."""
        return zip(self.names, self.cells, strict=True)

    def described(self, names: Collection[str]) -> str:
        """The named values with their locations: tile = `NGC 4501` (tiles.txt:3)."""
        named = [pair for pair in self.pairs() if pair[0] in names][:MAX_NAMED]
        return ", ".join(
            f"{name} = {quoted(cell.text)} ({cell.location.file}:{cell.location.line})" for name, cell in named
        )


@dataclass(frozen=True)
class Matrix:
    """The combinations of an entry.

    `names` are its axes, or with `table` its columns. `overrides` are the keys of a session that includes give, by the
    index of the include, and `choosing` the axes by which those includes choose. `emptied`: the list or table is
    empty, whatever includes add. `unknown`: the values are not known, because they depend on a variable without a value
    or on a table without a header. One combination, or none, then stands for all.
    """

    names: tuple[str, ...] = ()
    combinations: tuple[Combination, ...] = (Combination(),)
    overrides: Mapping[int, Mapping[str, Node]] = field(default_factory=dict)
    table: bool = False
    unknown: bool = False
    emptied: bool = False
    choosing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _MatrixRule:
    """An entry of `include` or `exclude`: the values that it chooses by, and the keys that it gives."""

    index: int
    node: Node
    chosen: Mapping[str, LocatedValue]
    keys: Mapping[str, Node]


class _Matcher:
    """Finds the choices that match a combination by their values, not one by one."""

    def __init__(self, names: tuple[str, ...], rules: Iterable[_MatrixRule]) -> None:
        self.unmatched: dict[int, _MatrixRule] = {}
        self.groups: dict[tuple[int, ...], dict[tuple[str, ...], list[int]]] = {}
        for rule in rules:
            positions = tuple(index for index, name in enumerate(names) if name in rule.chosen)
            values = tuple(rule.chosen[names[index]].text for index in positions)
            self.groups.setdefault(positions, {}).setdefault(values, []).append(rule.index)
            self.unmatched[rule.index] = rule

    def fits(self, cells: tuple[LocatedValue, ...]) -> tuple[int, ...]:
        """The indices of the choices that match, in their order."""
        found: list[int] = []
        for positions, known in self.groups.items():
            found.extend(known.get(tuple([cells[position].text for position in positions]), ()))
        for index in found:
            self.unmatched.pop(index, None)
        return tuple(sorted(found))


def read_matrix(context: MatrixContext, node: Node, path: str) -> Matrix:
    """The combinations of a matrix. Raises `InvalidValue` after what is wrong was reported."""
    if node.shape != "mapping":
        what = "empty" if node.empty else WORDS[node.shape]
        detail = "Write matrix: {tile: [t001, t002]}, or {tile: {file: tiles.txt}}."
        raise context.reader.refuse("wrong-type", node, f"{path} must be a mapping, not {what}", detail, path=path)
    entries = context.reader.entries(node, path)
    axes = read_axes(context, node, path)
    if axes.table and not axes.names and axes.lists is not None:
        return Matrix((), (), {}, table=True, unknown=True)
    try:
        excludes = (
            _read_rules(context, entries["exclude"].value, f"{path}.exclude", axes) if "exclude" in entries else []
        )
        includes = (
            _read_rules(context, entries["include"].value, f"{path}.include", axes) if "include" in entries else []
        )
    except UnknownValueError:
        axes = replace(axes, lists=None)
    if axes.lists is None:
        some = Combination(axes.names, tuple(LocatedValue(name, axes.location) for name in axes.names))
        return Matrix(axes.names, (some,), {}, axes.table, unknown=True)
    return _combined(context, path, axes, excludes, includes)


def _combined(
    context: MatrixContext, path: str, axes: Axes, excludes: list[_MatrixRule], includes: list[_MatrixRule]
) -> Matrix:
    lists = [(axes.lists or {}).get(name, ()) for name in axes.names]
    count = len(axes.rows) if axes.table else math.prod(len(values) for values in lists)
    if count + len(includes) > MOST:
        summary = f"{path} has {count:,} combinations, more than {MOST:,}"
        raise context.reader.refuse("too-large", axes.node, summary, "Split the manifest.", path=path)
    cells = list(axes.rows if axes.table else itertools.product(*lists))
    some = bool(cells)
    if excludes:
        without = _matcher(context, f"{path}.exclude", axes, excludes, len(cells))
        listed = tuple(cells)
        cells = [each for each in cells if not without.fits(each)]
        if some:
            _warn(context, without, axes, f"{path}.exclude", listed)
    _add(context, path, axes, cells, includes)
    giving = _matcher(context, f"{path}.include", axes, [one for one in includes if one.keys], len(cells))
    combinations = tuple(Combination(axes.names, each, giving.fits(each) if includes else ()) for each in cells)
    if some:
        _warn(context, giving, axes, f"{path}.include", tuple(cells))
    overrides = {rule.index: rule.keys for rule in includes if rule.keys}
    choosing = frozenset(name for rule in includes if rule.keys for name in rule.chosen)
    return Matrix(axes.names, combinations, overrides, axes.table, emptied=not some, choosing=choosing)


def _matcher(context: MatrixContext, path: str, axes: Axes, rules: list[_MatrixRule], count: int) -> _Matcher:
    """A matcher for this number of combinations; raises `InvalidValue` if it would take more than seconds."""
    matcher = _Matcher(axes.names, rules)
    sets = len(matcher.groups)
    if sets * count > MAX_TRIES:
        summary = f"{path} chooses by {sets:,} different sets of axes, too many for {count:,} combinations"
        detail = "Write the combinations as a table: rows: {file: TABLE}."
        raise context.reader.refuse("too-large", axes.node, summary, detail, path=path)
    return matcher


def _add(
    context: MatrixContext, path: str, axes: Axes, cells: list[tuple[LocatedValue, ...]], includes: list[_MatrixRule]
) -> None:
    """Add the combinations that includes name in full and that are not there yet."""
    full = [rule for rule in includes if len(rule.chosen) == len(axes.names)]
    known = {tuple(cell.text for cell in each): each for each in cells} if full else {}
    listed = tuple(cells)
    for rule in full:
        added = tuple(rule.chosen[name] for name in axes.names)
        there = known.setdefault(tuple(cell.text for cell in added), added)
        where = f"{path}.include[{rule.index}]"
        if there is added:
            cells.append(added)
            if listed:
                _warn_added(context, where, axes, listed, rule)
        elif not rule.keys:
            location, diagnostics = there[-1].location, context.reader.diagnostics
            summary = f"this combination already exists, from {location.file}:{location.line}"
            detail = "The include has no effect. Remove it, or add the keys that differ."
            diagnostics.add("unmatched", rule.node, summary, detail, path=where)
    for rule in includes:
        if not rule.keys and len(rule.chosen) < len(axes.names):
            missing = ", ".join(name for name in axes.names if name not in rule.chosen)
            detail = suggestions.column_keys(axes, rule.chosen)
            detail = (
                detail
                or f"To add a combination, write {missing} too. To change combinations, add the keys that differ."
            )
            where = f"{path}.include[{rule.index}]"
            raise context.reader.refuse("matrix", rule.node, "this include changes nothing", detail, path=where)


def _warn_added(
    context: MatrixContext, path: str, axes: Axes, listed: tuple[tuple[LocatedValue, ...], ...], rule: _MatrixRule
) -> None:
    """Warn of an include that adds a combination but most likely should change one."""
    diagnostics = context.reader.diagnostics
    column = suggestions.column_keys(axes, rule.chosen) if suggestions.is_change(axes, listed, rule.chosen) else ""
    if not rule.keys and not column:
        return
    described = suggestions.described(rule.chosen)
    alike = suggestions.nearest(axes.names, listed, rule.chosen)
    detail = column or (f"Did you mean {alike}? " if alike else "")
    if not column:
        plain = ", ".join(f"{name}: {value.text}" for name, value in rule.chosen.items())
        detail += f"To add a new one, write an include without other keys before this one: {{{plain}}}."
    diagnostics.add(
        "unmatched", rule.node, f"no combination has {described}, so this include adds one", detail, path=path
    )


def _warn(
    context: MatrixContext, matcher: _Matcher, axes: Axes, path: str, listed: tuple[tuple[LocatedValue, ...], ...]
) -> None:
    diagnostics = context.reader.diagnostics
    for position, (index, rule) in enumerate(matcher.unmatched.items()):
        alike = suggestions.nearest(axes.names, listed, rule.chosen) if position < MOST_ALIKE else ""
        detail = "It has no effect. Values are compared as they are written: 01 is not 1."
        if alike:
            detail += f" Did you mean {alike}?"
        if rule.keys and (column := suggestions.column_keys(axes, rule.chosen)):
            detail = f"It has no effect. {column}"
        diagnostics.add(
            "unmatched",
            rule.node,
            f"no combination has {suggestions.described(rule.chosen)}",
            detail,
            path=f"{path}[{index}]",
        )


def _read_rules(context: MatrixContext, node: Node, path: str, axes: Axes) -> list[_MatrixRule]:
    if node.shape != "sequence":
        what = "empty" if node.empty else WORDS[node.shape]
        detail = f"Write {path.rpartition('.')[2]}: [{{{(axes.names or ('tile',))[0]}: VALUE}}]."
        raise context.reader.refuse("wrong-type", node, f"{path} must be a list, not {what}", detail, path=path)
    read: list[_MatrixRule] = []
    failed = False
    for index, item in enumerate(node.items):
        try:
            read.append(_read_rule(context, item, f"{path}[{index}]", index, axes))
        except InvalidValue:
            failed = True
    if failed:
        raise InvalidValue(path)
    return read


def _read_rule(context: MatrixContext, node: Node, path: str, index: int, axes: Axes) -> _MatrixRule:
    if node.shape != "mapping":
        detail = f"Write {{{(axes.names or ('tile',))[0]}: VALUE}}."
        raise context.reader.refuse(
            "wrong-type", node, f"{path} must be a mapping, not {WORDS[node.shape]}", detail, path=path
        )
    including = ".include[" in path
    any_name = axes.table and axes.lists is None  # the columns are not known
    chosen: dict[str, LocatedValue] = {}
    keys: dict[str, Node] = {}
    failed = False
    for name, entry in context.reader.entries(node, path).items():
        try:
            is_key = including and name in BY_NAME and name not in OF_THE_WHOLE
            if name in axes.names or (any_name and not is_key):
                chosen[name] = written(context, entry.value, f"{path}.{name}")
            elif is_key:
                keys[name] = entry.value
            else:
                raise _refuse_key(context, entry.key, name, path, axes)
        except InvalidValue:
            failed = True
    if failed:
        raise InvalidValue(path)
    if not chosen and not any_name:
        known = ", ".join(axes.names)
        detail = f"Choose combinations by {known}. Write keys for all combinations in the session."
        raise context.reader.refuse("matrix", node, f"{path} chooses no combination", detail, path=path)
    return _MatrixRule(index, node, chosen, keys)


def _refuse_key(context: MatrixContext, key: Node, name: str, path: str, axes: Axes) -> InvalidValue:
    article, what = ("a", "column") if axes.table else ("an", "axis")
    if name in BY_NAME and ".include[" not in path:
        summary, detail = (
            f"{quoted(name)} is not {article} {what} of this matrix",
            f"Choose by {', '.join(axes.names)}.",
        )
    elif name in BY_NAME:
        summary, detail = f"{quoted(name)} cannot differ between combinations", "Write it in the session."
    else:
        known = {each.lower(): each for each in axes.names}
        if ".include[" in path:
            known.update((each, each) for each in BY_NAME if each not in OF_THE_WHOLE)
        summary = f"{quoted(name)} is not {article} {what} of this matrix" + (
            " or a key" if ".include[" in path else ""
        )
        near = get_close_matches(name.lower()[:100], known, n=1)
        detail = f"Did you mean {known[near[0]]}?" if near else f"Its {what} names are {', '.join(axes.names)}."
    return context.reader.refuse("unknown-key", key, summary, detail, path=f"{path}.{name}")
