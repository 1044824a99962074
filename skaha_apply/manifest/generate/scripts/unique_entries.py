"""Gives each entry of a script another name as written, because this name is the identity of an entry."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.manifest.generate.scripts.templates import Entry, texts_of, with_spec_texts

if TYPE_CHECKING:
    from collections.abc import Sequence


def with_unique_names(entries: Sequence[Entry]) -> list[Entry]:
    """The entries, each with another name as written: two loops over `t` give `${t}` and `${t2}`.

    The name as written is the identity of an entry in a manifest.
    """
    taken: set[str] = set()
    made = []
    for entry in entries:
        renamed = entry if entry.session.spec.name.casefold() not in taken else _renamed(entry, taken)
        taken.add(renamed.session.spec.name.casefold())
        made.append(renamed)
    return made


def _renamed(entry: Entry, taken: set[str]) -> Entry:
    """The entry with a number behind the first axis of its name."""
    used = [axis for axis in entry.axes if _refers(entry.session.spec.name, axis)]
    number = 2
    while used:
        new = f"{used[0]}{number}"
        number += 1
        if new in entry.axes:
            continue
        texts = [_reference(used[0]).sub(f"${{{new}}}", text) for text in texts_of(entry.session.spec)]
        if texts[0].casefold() not in taken:
            remarks = tuple(_reference(used[0]).sub(f"${{{new}}}", text) for text in entry.session.remarks)
            session = replace(entry.session, spec=with_spec_texts(entry.session.spec, texts), remarks=remarks)
            axes = {new if axis == used[0] else axis: values for axis, values in entry.axes.items()}
            return replace(entry, session=session, axes=axes)
    return entry


def _refers(text: str, axis: str) -> bool:
    return _reference(axis).search(text) is not None


def _reference(axis: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\$)\$\{{{re.escape(axis)}\}}")
