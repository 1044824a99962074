"""Finds one template for many sessions, and proves that it gives exactly these sessions.

A template is a session spec whose texts contain `${axis}`. What a template gives is compared with each session that
the script creates, so a guess that is wrong is never written.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.generate.from_command import ConvertedSession, session_of
from skaha_apply.manifest.generate.scripts.compared_texts import candidates, fitted
from skaha_apply.manifest.generate.scripts.loop_values import (
    fit_a_table,
    loops_of,
    marks_of,
    order_of,
    texts_of_command,
)
from skaha_apply.manifest.generate.scripts.record import with_texts
from skaha_apply.manifest.generate.scripts.traced_text import template
from skaha_apply.manifest.variables.interpolation import literal
from skaha_apply.model.errors import UsageError
from skaha_apply.model.names.combination_names import slug

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skaha_apply.manifest.generate.scripts.loop_values import LoopValues
    from skaha_apply.manifest.generate.scripts.record import RecordedCall
    from skaha_apply.model.spec import SessionSpec

RESERVED = frozenset({"include", "exclude", "rows", "var", "slug", "replica"})
MOST_AXES = 4
MOST_COLUMNS = 20
LONGEST_PLACE = 4  # characters of what stands for a value; a name has 63


@dataclass(frozen=True)
class Entry:
    """One entry: its session, and the values of each axis; `line` is the first line of the script that makes it.

    With `rows` the axes are the columns of a table with these rows, and `parts` are entries for each row alone.
    `stage` and `gaps` are those of the first call; `waits` are comments about what the entry waits for.
    """

    session: ConvertedSession
    axes: Mapping[str, tuple[str, ...]]
    line: int
    rows: tuple[tuple[str, ...], ...] = ()
    parts: tuple[Entry, ...] = ()
    stage: int = 0
    gaps: int = 0
    waits: tuple[str, ...] = ()


def texts_of(spec: SessionSpec) -> list[str]:
    """The texts of a session that can vary in a matrix; the name is the first."""
    return [spec.name, spec.image, spec.cmd or "", *spec.args, *spec.env.values()]


def with_spec_texts(spec: SessionSpec, texts: Sequence[str]) -> SessionSpec:
    """The session with other texts, in the order of `texts_of`."""
    rest = texts[3:]
    env = dict(zip(spec.env, rest[len(spec.args) :], strict=True))
    cmd = None if spec.cmd is None else texts[2]
    changes = {"name": texts[0], "image": texts[1], "cmd": cmd, "args": tuple(rest[: len(spec.args)]), "env": env}
    return spec.model_copy(update=changes)


def is_alike(one: SessionSpec, other: SessionSpec) -> bool:
    """Whether two sessions differ in texts only."""
    bare: dict[str, Any] = {"name": "", "image": "", "cmd": None, "args": (), "env": {}}
    if (one.cmd is None) != (other.cmd is None) or len(one.args) != len(other.args) or list(one.env) != list(other.env):
        return False
    return one.model_copy(update=bare) == other.model_copy(update=bare)


def traced_entry(calls: Sequence[RecordedCall], sessions: Sequence[ConvertedSession]) -> Entry | None:
    """An entry of the loops around a call; None if its sessions are not all combinations of their values."""
    loops = loops_of(calls)
    if loops is None or not 0 < len(loops.names) <= MOST_AXES:
        return None
    order = order_of(loops.combinations)
    if order is None:
        return None
    columns = list(zip(*loops.combinations, strict=True))
    axes = {loops.names[index]: tuple(dict.fromkeys(columns[index])) for index in order}
    return _entry_of_loops(loops, axes, calls, sessions)


def table_entry(calls: Sequence[RecordedCall], sessions: Sequence[ConvertedSession]) -> Entry | None:
    """An entry whose combinations are the rows of a table; None if a table cannot hold the values of its loops."""
    loops = loops_of(calls)
    if loops is None or not 1 < len(loops.names) <= MOST_COLUMNS or not fit_a_table(loops.combinations):
        return None
    axes = dict(zip(loops.names, zip(*loops.combinations, strict=True), strict=True))
    entry = _entry_of_loops(loops, axes, calls, sessions)
    if entry is None:
        return None
    parts = tuple(Entry(session, {}, call.line) for call, session in zip(calls, sessions, strict=True))
    return replace(entry, rows=loops.combinations, parts=parts)


def _entry_of_loops(
    loops: LoopValues,
    axes: Mapping[str, tuple[str, ...]],
    calls: Sequence[RecordedCall],
    sessions: Sequence[ConvertedSession],
) -> Entry | None:
    names = loops.names
    places = _places(names, [text for call in calls for text in texts_of_command(call.command)])

    def place_of(axis: str) -> str:
        head, kept, tail = loops.forms[axis]
        return head + places[kept] + tail

    try:
        made = session_of(with_texts(calls[0].command, lambda text: template(text, place_of)))
    except UsageError:
        return None
    given = [{places[name]: one[name] for name in names} for one in loops.found]
    shown = _shown_names(list(axes))
    return _proved(
        _Guess(made, {places[name]: shown[name] for name in names}, axes_of(axes, shown), calls[0].line),
        given,
        sessions,
    )


def axes_of(axes: Mapping[str, tuple[str, ...]], shown: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The axes with the names that the manifest has."""
    return {shown[name]: values for name, values in axes.items()}


def open_entry(call: RecordedCall) -> Entry | None:
    """An entry of a loop over lists that were not found; its axes have no values."""
    names = list(marks_of(call))
    places = _places(names, texts_of_command(call.command))
    try:
        made = session_of(with_texts(call.command, lambda text: template(text, places.__getitem__)))
    except UsageError:
        return None
    shown = _shown_names(names)
    named = {places[name]: shown[name] for name in names}
    return Entry(_referring(made, named), {shown[name]: () for name in names}, call.line)


def compared_entry(calls: Sequence[RecordedCall], sessions: Sequence[ConvertedSession]) -> Entry | None:
    """An entry of sessions that differ in one value, found by comparing their texts; None if they differ in more."""
    first = sessions[0].spec
    if len(sessions) < 2 or not all(is_alike(first, one.spec) for one in sessions):  # noqa: PLR2004 - a list has several
        return None
    rows = [texts_of(one.spec) for one in sessions]
    columns = list(zip(*rows, strict=True))
    varying = [index for index, column in enumerate(columns) if len(set(column)) > 1]
    (place,) = _places(["item"], [text for row in rows for text in row]).values()
    for index in [*(one for one in varying if one), *varying[:1]]:
        for values in candidates(columns[index]):
            texts = fitted(columns, varying, values, place)
            if texts is None:
                continue
            made = ConvertedSession(with_spec_texts(first, texts), sessions[0].remarks, sessions[0].escaped)
            name = _common_name(calls)
            given = [{place: value} for value in values]
            entry = _proved(_Guess(made, {place: name}, {name: tuple(values)}, calls[0].line), given, sessions)
            if entry is not None:
                return entry
    return None


@dataclass(frozen=True)
class _Guess:
    """A template: its session, the name of the axis for each place in its texts, the values of each axis, its line."""

    made: ConvertedSession
    named: Mapping[str, str]
    axes: Mapping[str, tuple[str, ...]]
    line: int


def _proved(guess: _Guess, given: Sequence[Mapping[str, str]], sessions: Sequence[ConvertedSession]) -> Entry | None:
    """The entry, if it gives exactly these sessions; `given` has the values of each combination."""
    made = guess.made
    templates = texts_of(made.spec)
    for values, session in zip(given, sessions, strict=True):
        if not is_alike(made.spec, session.spec):
            return None
        name, *texts = templates
        for place, value in values.items():
            name = name.replace(place, slug(value))
            texts = [text.replace(place, value) for text in texts]
        wanted, *others = texts_of(session.spec)
        if name.casefold() != wanted.casefold() or texts != others:
            return None
    if len({one.spec.name.casefold() for one in sessions}) < len(sessions):
        return None
    escaped = any(one.escaped for one in sessions)
    return Entry(_referring(ConvertedSession(made.spec, made.remarks, escaped), guess.named), guess.axes, guess.line)


def _referring(made: ConvertedSession, named: Mapping[str, str]) -> ConvertedSession:
    """The session with `${axis}` for each place; other references become literal."""
    texts = [literal(text) for text in texts_of(made.spec)]
    for place, name in named.items():
        texts = [text.replace(place, f"${{{name}}}") for text in texts]
    remarks = made.remarks
    for place, name in named.items():
        remarks = tuple(remark.replace(place, f"${{{name}}}") for remark in remarks)
    return ConvertedSession(with_spec_texts(made.spec, texts), remarks, made.escaped)


def _places(names: Sequence[str], texts: Iterable[str]) -> dict[str, str]:
    """A short text for each axis that occurs nowhere in the script."""
    joined = "\n".join(texts).lower()
    free = (f"{first}{second}{third}" for first, second, third in product("zqxjvkw", "0123456789", "zqxjvkw"))
    unused = (place for place in free if place not in joined)
    return {name: next(unused) for name in names}


def _shown_names(axes: Sequence[str]) -> dict[str, str]:
    """The name in the manifest of each axis: that of the variable of the script."""
    shown: dict[str, str] = {}
    for axis in axes:
        base = re.sub(r"\W", "", axis.partition("@")[0], flags=re.ASCII) or "item"
        base = f"{base}_value" if base in RESERVED or not base[0].isalpha() else base
        name, number = base, 2
        while name in shown.values():
            name, number = f"{base}{number}", number + 1
        shown[axis] = name
    return shown


def _common_name(calls: Sequence[RecordedCall]) -> str:
    axes = {axis for call in calls for axis in marks_of(call)}
    names = {_shown_names([axis]).popitem()[1] for axis in axes}
    return names.pop() if len(names) == 1 else "item"
