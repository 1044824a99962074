"""Gives entries `needs` where the script waits for sessions, and comments where it may."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.manifest.generate.scripts.templates import Entry, texts_of, with_spec_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.manifest.generate.scripts.record import ScriptReading
    from skaha_apply.model.spec import SessionSpec

MOST_NAMES = 5  # that a comment lists


def with_needs(entries: Sequence[Entry], missing: Sequence[Entry], reading: ScriptReading) -> list[Entry]:
    """The entries, in the order of the script, each with what it waits for.

    Args:
        entries: the entries, with unique names.
        missing: the entries that are comments, because their list was not found.
        reading: has the lines at which the script waits.
    """
    made: list[Entry] = []
    for entry in entries:
        before = [one for one in made if not one.session.spec.kind.interactive]
        earlier = [one.stage for one in before if one.stage < entry.stage]
        needed = [one for one in before if earlier and one.stage == max(earlier)]
        absent = [one for one in missing if one.stage < entry.stage and (not earlier or one.stage >= max(earlier))]
        remarks = list(_possible_needs(entry, before, made[-1:], reading))
        if entry.stage and (needed or absent):
            entry, more = _waiting(entry, needed, {one.session.spec.name for one in entries})  # noqa: PLW2901
            line = reading.stages[entry.stage - 1]
            remarks = [f"Line {line}: the script waits for the sessions above.", *more, *remarks]
            remarks += [f"Needs {one.session.spec.name} too, once its list is there." for one in absent]
        made.append(replace(entry, waits=tuple(remarks)))
    return made


def _waiting(entry: Entry, needed: Sequence[Entry], taken: set[str]) -> tuple[Entry, Sequence[str]]:
    """The entry with `needs`. An axis of a needed entry gets another name: else each value waits for itself only."""
    remarks = []
    for axis in [axis for axis in entry.axes if any(axis in one.axes for one in needed)]:
        if entry.rows:
            remarks.append(f"Each {axis} waits for the sessions with its own {axis} only; the script waits for all.")
            continue
        others = {other for one in needed for other in one.axes}
        number = 2
        while (new := f"{axis}{number}") in {*others, *entry.axes} or _renamed(entry, axis, new).name in taken:
            number += 1
        spec = _renamed(entry, axis, new)
        session = replace(entry.session, spec=spec)
        axes = {new if name == axis else name: values for name, values in entry.axes.items()}
        entry = replace(entry, session=session, axes=axes)
        remarks.append(f"With the axis {axis} instead of {new}, each session waits for those with its own {axis} only.")
    names = tuple(one.session.spec.name for one in needed)
    spec = entry.session.spec.model_copy(update={"needs": names})
    return replace(entry, session=replace(entry.session, spec=spec)), remarks


def _renamed(entry: Entry, axis: str, new: str) -> SessionSpec:
    pattern = re.compile(rf"(?<!\$)\$\{{{re.escape(axis)}\}}")
    texts = [pattern.sub(f"${{{new}}}", text) for text in texts_of(entry.session.spec)]
    return with_spec_texts(entry.session.spec, texts)


def _possible_needs(
    entry: Entry, before: Sequence[Entry], previous: Sequence[Entry], reading: ScriptReading
) -> Iterable[str]:
    """A comment for an entry that may use the results of the entries before it."""
    if entry.session.spec.kind.interactive:
        return
    here = [one for one in before if one.stage == entry.stage]
    if apart := [one for one in here if one.gaps < entry.gaps]:
        line = reading.gaps[entry.gaps - 1]
        yield f"Line {line}: the script waits here; if it waits for the sessions above, add: {_needs(apart)}"
    elif here and here[-1:] == list(previous) and (here[-1].axes or here[-1].session.spec.replicas > 1):
        line = here[-1].line
        yield f"The script creates this right after line {line}; if it uses their results, add: {_needs(here[-1:])}"


def _needs(entries: Sequence[Entry]) -> str:
    names = [f'"{one.session.spec.name}"' for one in entries[-MOST_NAMES:]]
    return f"needs: [{', '.join(names)}]"
