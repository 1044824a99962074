"""Reads `moved`: the former and the present names of entries; and checks the moves of all files of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.manifest.fields.values import WORDS, InvalidValue
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.model.project import Move

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping, Sequence

    from skaha_apply.manifest.fields.values import NodeReader
    from skaha_apply.manifest.source.nodes import Node
    from skaha_apply.model.diagnostics import Location

KEYS = ("from", "to")
_FORM = "Write moved: [{from: OLD, to: NEW}], with the names as written."


def read_moved(reader: NodeReader, node: Node) -> tuple[tuple[Move, Node], ...]:
    """The valid moves of a file, each with its node; others are reported."""
    if node.shape != "sequence":
        written = "empty" if node.empty else WORDS[node.shape]
        reader.diagnostics.add("wrong-type", node, f"moved must be a list, not {written}", _FORM, path="moved")
        return ()
    found = []
    for place, item in enumerate(node.items):
        try:
            found.append((_move(reader, item, f"moved[{place}]"), item))
        except InvalidValue:
            continue
    return tuple(found)


def _move(reader: NodeReader, node: Node, path: str) -> Move:
    if node.shape != "mapping":
        summary = f"{path} must be a mapping, not {WORDS[node.shape]}"
        raise reader.refuse("wrong-type", node, summary, _FORM, path=path)
    entries = reader.entries(node, path)
    for name, entry in entries.items():
        if name not in KEYS:
            summary = f"{quoted(name)} is not a key of {path}"
            raise reader.refuse("unknown-key", entry.key, summary, "The keys are from and to.", path=f"{path}.{name}")
    for name in KEYS:
        if name not in entries:
            raise reader.refuse("missing-key", node, f"{path} has no {name}", _FORM, path=path)
    old, new = (reader.text(entries[name].value, f"{path}.{name}") for name in KEYS)
    if ("${" in old) != ("${" in new):
        detail = "A matrix stays a matrix with the same axes: {from: 'tile-${tile}', to: 'field-${tile}'}."
        raise reader.refuse("wrong-value", node, f"{path}: only one of the names has a reference", detail, path=path)
    return Move(old, new)


def move_problems(
    moves: Sequence[Move], entries: Container[str], sessions: Container[str], where: Callable[[int], Location]
) -> Iterator[tuple[int, str, str]]:
    """What is wrong with the moves of a project: the index of the move, the summary and the detail.

    Args:
        moves: those of all files.
        entries: the names of all entries as written, in lower case.
        sessions: the names of all sessions, so also of each combination of a matrix, in lower case.
        where: gives the location of a move.
    """
    former = {move.old.casefold(): index for index, move in reversed([*enumerate(moves)])}
    targets: dict[str, int] = {}
    for index, move in enumerate(moves):
        old, new = move.old.casefold(), move.new.casefold()
        if former[old] != index:
            yield (
                index,
                f"{quoted(move.old)} is moved twice, first at {_line(where(former[old]))}",
                "Remove one of the two.",
            )
        elif old == new or _leads_back(index, moves, former):
            yield index, f"the move of {quoted(move.old)} leads back to it", "Remove the moves that are out of date."
        elif targets.setdefault(new, index) != index:
            summary = f"two entries are moved to {quoted(move.new)}, the first at {_line(where(targets[new]))}"
            yield index, summary, "Two entries cannot become one. Remove one of the two."
        elif old in entries:
            detail = "Rename the entry, or remove the move."
            yield index, f"{quoted(move.old)} is moved, and still an entry of the manifest", detail
        elif old in sessions:
            detail = "Remove the combination from the matrix, or remove the move. Else its work would run again."
            yield index, f"{quoted(move.old)} is moved, and still a combination of a matrix", detail
        elif new not in entries and new not in former:
            detail = "Write the name of an entry as written. If the entry was removed, remove the move."
            yield index, f"{quoted(move.new)} is not an entry of the manifest", detail


def _leads_back(index: int, moves: Sequence[Move], former: Mapping[str, int]) -> bool:
    seen = {index}
    following = former.get(moves[index].new.casefold())
    while following is not None and following not in seen:
        seen.add(following)
        following = former.get(moves[following].new.casefold())
    return following is not None


def in_order(moves: Sequence[Move]) -> tuple[Move, ...]:
    """The moves of a project without problems; a move to a former name comes before the move from that name."""
    left, found = list(moves), []
    while left:
        targets = {move.new.casefold() for move in left}
        first = [move for move in left if move.old.casefold() not in targets]
        found += first or left
        left = [move for move in left if move not in found]
    return tuple(found)


def _line(location: Location) -> str:
    return f"{location.file}:{location.line}"
