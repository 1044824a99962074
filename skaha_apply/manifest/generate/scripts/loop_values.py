"""The values of the loops of a script: which value each session has, and whether the values are combined or rows."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.generate.scripts.traced_text import marks
from skaha_apply.model.names.combination_names import slug

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from skaha_apply.manifest.generate.command_line import CreateCommand
    from skaha_apply.manifest.generate.scripts.record import RecordedCall


def texts_of_command(command: CreateCommand) -> list[str]:
    """The texts of a command that can contain values of loops."""
    return [text for text in (command.name, command.image, *command.command, *command.env) if text is not None]


def marks_of(call: RecordedCall) -> dict[str, str]:
    """The values of loops in a call, by axis."""
    return {axis: value for text in texts_of_command(call.command) for axis, value in marks(text).items()}


def fit_a_table(rows: Sequence[tuple[str, ...]]) -> bool:
    """Whether a table gives exactly these rows: a blank around a cell, an empty cell and a comment mean something."""
    cells = (cell for row in rows for cell in row)
    return len(set(rows)) == len(rows) and all(
        cell and cell == cell.strip() and cell[0] != "#" and cell.isprintable() for cell in cells
    )


@dataclass(frozen=True)
class LoopValues:
    """The values of the loops around the sessions of one line.

    `found` has the values of each session by axis, and `forms` how each axis is written with one of `names`.
    `combinations` are the values of these names, call by call.
    """

    found: Sequence[Mapping[str, str]]
    forms: Mapping[str, tuple[str, str, str]]
    names: Sequence[str]
    combinations: tuple[tuple[str, ...], ...]


def loops_of(calls: Sequence[RecordedCall]) -> LoopValues | None:
    """The loops around the sessions of one line; None if these are in different loops."""
    found = [marks_of(call) for call in calls]
    if any(set(one) != set(found[0]) for one in found):
        return None
    texts = {
        axis for call in calls for text in texts_of_command(replace(call.command, name="")) for axis in marks(text)
    }
    forms = _forms(found, texts)
    names = [axis for axis, form in forms.items() if form == ("", axis, "")]
    return LoopValues(found, forms, names, tuple(tuple(one[name] for name in names) for one in found))


def _forms(found: Sequence[Mapping[str, str]], in_texts: Collection[str]) -> dict[str, tuple[str, str, str]]:
    """Each axis as text before, axis, text after: what a script derives from a value, such as `${tile%.fits}`.

    An axis that cannot be written with another one of its loop is written with itself. An axis that is only in the name
    (not `in_texts`) can be written with one that has the same form in a name.
    """
    forms = {axis: ("", axis, "") for axis in found[0]}
    for axis in found[0]:
        for kept in found[0]:
            if kept == axis or forms[kept][1] != kept or kept.partition("~")[0] != axis.partition("~")[0]:
                continue
            if axis not in in_texts and all(slug(one[axis]) == slug(one[kept]) for one in found):
                forms[axis] = ("", kept, "")
                break
            head, middle, tail = found[0][axis].partition(found[0][kept])
            if middle and all(one[axis] == head + one[kept] + tail for one in found):
                forms = {
                    name: form if form[1] != axis else _nested(form, (head, kept, tail)) for name, form in forms.items()
                }
                break
    return forms


def _nested(form: tuple[str, str, str], inner: tuple[str, str, str]) -> tuple[str, str, str]:
    return form[0] + inner[0], inner[1], inner[2] + form[2]


def order_of(combinations: Sequence[tuple[str, ...]]) -> tuple[int, ...] | None:
    """The axes from the slowest to the fastest, if the combinations are all of their values, each once."""
    if len(set(combinations)) < len(combinations):
        return None
    sizes = range(len(combinations[0]))
    values = [list(dict.fromkeys(one[index] for one in combinations)) for index in sizes]
    count = 1
    for one in values:
        count *= len(one)
    if count != len(combinations):
        return None
    for order in permutations(sizes):
        if [tuple(one[index] for index in order) for one in combinations] == list(product(*(values[i] for i in order))):
            return order
    return tuple(sizes)
