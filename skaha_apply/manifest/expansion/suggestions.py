"""What an include or exclude that fits no combination most likely means."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from skaha_apply.manifest.fields.session_fields import BY_NAME
from skaha_apply.manifest.source.file_diagnostics import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skaha_apply.manifest.expansion.matrix_axes import Axes, LocatedValue

    Chosen = Mapping[str, LocatedValue]
    Cells = Sequence[tuple[LocatedValue, ...]]

LONGEST = 100  # characters of a value that are compared


def described(chosen: Chosen) -> str:
    """The values of a choice: tile = `t150`, band = `r`."""
    return ", ".join(f"{name} = {quoted(value.text)}" for name, value in chosen.items())


def nearest(names: Sequence[str], cells: Cells, chosen: Chosen) -> str:
    """The values that differ in the combination that is most like a choice: tile = `t0150`; "" if none is like it."""
    positions = [(index, chosen[name].text) for index, name in enumerate(names) if name in chosen]
    agreeing = [sum(each[index].text == text for index, text in positions) for each in cells]
    most = max(agreeing, default=0)
    alike: dict[str, tuple[LocatedValue, ...]] = {}
    for each, number in zip(cells, agreeing, strict=True):
        if number == most:
            alike.setdefault(" ".join(each[index].text for index, _ in positions)[:LONGEST], each)
    wanted = " ".join(text for _, text in positions)[:LONGEST]
    found = next(iter(get_close_matches(wanted, alike, n=1)), None)
    if found is None:
        return ""
    differing = (
        (names[index], alike[found][index].text) for index, text in positions if alike[found][index].text != text
    )
    return ", ".join(f"{name} = {quoted(text)}" for name, text in differing)


def is_change(axes: Axes, cells: Cells, chosen: Chosen) -> bool:
    """Whether a combination differs from a choice only in axes or columns that are keys of a session."""
    positions = [index for index, name in enumerate(axes.names) if name not in BY_NAME]
    wanted = tuple(chosen[axes.names[index]].text for index in positions)
    return bool(positions) and any(tuple(each[index].text for index in positions) == wanted for each in cells)


def column_keys(axes: Axes, chosen: Chosen) -> str:
    """A sentence about keys of a session that are columns or axes, so that they change nothing; "" without any."""
    keys = [quoted(name) for name in chosen if name in BY_NAME]
    if not keys:
        return ""
    kind, where = ("column", "the row of the table") if axes.table else ("axis", "the list of the axis")
    are = f"{keys[0]} is a {kind}" if len(keys) == 1 else f"{' and '.join(keys)} are {kind}s"
    are = are.replace("a axis", "an axis").replace("axiss", "axes")
    return f"{are} here, so it chooses combinations and changes none. Change the value in {where}."
