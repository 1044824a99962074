"""Merges the files of one project: their sessions are joined, and their project-wide settings must be equal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, TypeVar

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.source.file_diagnostics import FileDiagnostics, quoted
from skaha_apply.model.diagnostics import Location
from skaha_apply.model.project import MaxActive, Project

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skaha_apply.manifest.document import Document
    from skaha_apply.manifest.expansion.expand import ExpandedFile, ExpandedSession
    from skaha_apply.manifest.source.nodes import Node
    from skaha_apply.manifest.variables.declared import Variable, Variables
    from skaha_apply.model.project import Move, NoticeTargets
    from skaha_apply.model.spec import SessionSpec

T = TypeVar("T")

IN_PROJECT = re.compile(r"sessions\[([0-9]+)\](?:\.(.+))?\Z")
CELL = re.compile(r"values\.(.+)\Z")


@dataclass(frozen=True)
class ProjectFile:
    """The part of a project in one file."""

    document: Document
    variables: Variables
    expanded: ExpandedFile
    notify: NoticeTargets | None = None

    @property
    def diagnostics(self) -> FileDiagnostics:
        """The diagnostics of the file."""
        return self.document.reader.diagnostics


@dataclass(frozen=True)
class _Locations(Mapping[str, Location]):
    """Locations by path, computed when they are used: few of thousands are.

    `sessions[3].values.tile` is the location of a value of the matrix, which can be in a list. `others` are the
    locations outside sessions; "" is that of the project.
    """

    others: Mapping[str, Location]
    sessions: list[tuple[str, ExpandedSession]] = field(default_factory=list)

    def __getitem__(self, path: str) -> Location:
        if path in self.others:
            return self.others[path]
        found = IN_PROJECT.match(path)
        if found is None or int(found[1]) >= len(self.sessions):
            raise KeyError(path)
        file, placed = self.sessions[int(found[1])]
        cell = CELL.match(found[2] or "")
        if cell is not None and cell[1] in placed.combination.names:
            return placed.combination.cells[placed.combination.names.index(cell[1])].location
        node = placed.nodes[found[2] or ""]
        return Location(file, node.line, node.column, node.end_line, node.end_column)

    def __iter__(self) -> Iterator[str]:
        yield from self.others
        for index, (_, placed) in enumerate(self.sessions):
            yield from (f"sessions[{index}].{path}" if path else f"sessions[{index}]" for path in placed.nodes)
            yield from (f"sessions[{index}].values.{name}" for name in placed.combination.names)

    def __len__(self) -> int:
        return len(self.others) + sum(len(placed.nodes) + len(placed.combination.names) for _, placed in self.sessions)


def merged(name: str, parts: Sequence[ProjectFile], files: tuple[str, ...], folders: tuple[str, ...]) -> Project:
    """The project of some files. Settings that differ between files are reported."""
    locations = _Locations(_others(parts))
    sessions: list[SessionSpec] = []
    unknown: list[str] = []
    for part in parts:
        for placed in part.expanded.sessions:
            unknown.extend(f"sessions[{len(sessions)}].{path}" for path in placed.unknown)
            locations.sessions.append((part.diagnostics.file, placed))
            sessions.append(placed.spec)
    left_out = {index: placed.left_out for index, (_, placed) in enumerate(locations.sessions) if placed.left_out}
    _refuse_shared(parts)
    moved = _moved(parts)
    texts: dict[str, str] = {}
    for part in parts:
        texts |= part.diagnostics.texts
    return Project(
        name=name,
        sessions=tuple(sessions),
        files=files,
        folders=folders,
        locations=locations,
        entries=tuple(placed.entry for part in parts for placed in part.expanded.sessions),
        ignores=tuple(one for part in parts for one in part.document.ignores),
        texts=texts,
        empty=tuple(one for part in parts for one in part.expanded.empty),
        empty_lists=tuple(one for part in parts for one in part.expanded.empty_lists),
        named_only={name: axes for part in parts for name, axes in part.expanded.named_only.items()},
        max_active=_agreed([(part, part.document.settings.max_active) for part in parts], "max_active") or MaxActive(),
        state=_agreed([(part, part.document.settings.state) for part in parts], "state"),
        moved=moved,
        notify=_agreed([(part, _notify(part)) for part in parts], "notify"),
        secrets={name: value for part in parts for name, value in part.variables.secrets.items()},
        unknown=frozenset(unknown),
        withheld=frozenset(name for part in parts for name in part.variables.withheld),
        left_out=left_out,
    )


def _others(parts: Sequence[ProjectFile]) -> dict[str, Location]:
    """The locations of the project, its limits, each entry of `empty` and `empty_lists`, and clear secrets."""
    found = {"": parts[0].diagnostics.location(parts[0].document.project_node)}
    empty = lists = 0
    for part in parts:
        location, document = part.diagnostics.location, part.document
        if document.settings.max_active is not None:
            found.setdefault("max_active", location(document.settings.max_active[1]))
        for move, node in document.settings.moved:
            found.setdefault(f"moved.{move.old}", location(node))
        if document.settings.state is not None:
            found.setdefault("state", location(document.settings.state[1]))
        for variable in document.variables.values():
            if variable.sensitive and variable.default is not None:
                found.setdefault(f"variables.{variable.name}.default", location(variable.node))
        entries = {own["name"].text: own["matrix"] for _, own in document.sessions if {"name", "matrix"} <= own.keys()}
        for name in part.expanded.empty:
            found[f"empty[{empty}]"] = location(entries[name])
            empty += 1
        for name in part.expanded.empty_lists:
            found[f"empty_lists[{lists}]"] = location(entries[name])
            lists += 1
    return found


def _moved(parts: Sequence[ProjectFile]) -> tuple[Move, ...]:
    """The moves of all files in the order of a chain; none if one has a problem, which is reported."""
    found = [(part, move, node) for part in parts for move, node in part.document.settings.moved]
    if not found:
        return ()
    from skaha_apply.manifest.fields.moved import in_order, move_problems  # noqa: PLC0415 - few manifests have the key

    names = [own["name"].text for part in parts for _, own in part.document.sessions if "name" in own]
    moves = [move for _, move, _ in found]
    problems = tuple(
        move_problems(
            moves,
            {name.casefold() for name in names},
            {placed.spec.key for part in parts for placed in part.expanded.sessions},
            lambda index: found[index][0].diagnostics.location(found[index][2]),
        )
    )
    for index, summary, detail in problems:
        part, _, node = found[index]
        part.diagnostics.add("wrong-value", node, summary, detail, path="moved")
    return () if problems else in_order(moves)


def _notify(part: ProjectFile) -> tuple[NoticeTargets, Node] | None:
    node = part.document.settings.notify
    return None if part.notify is None or node is None else (part.notify, node)


def _agreed(given: Sequence[tuple[ProjectFile, tuple[T, Node] | None]], key: str) -> T | None:
    """The value that all files with this key share; the first different one is reported."""
    first: tuple[ProjectFile, T, Node] | None = None
    for part, one in given:
        if one is None:
            continue
        if first is None:
            first = (part, *one)
        elif one[0] != first[1]:
            where = first[0].diagnostics.location(first[2])
            summary = f"{key} differs from that of {where.file}:{where.line}, a file of the same project"
            detail = "All files of a project must have the same value. Write it in one of them only."
            part.diagnostics.add("wrong-value", one[1], summary, detail, path=key)
    return first[1] if first else None


def _refuse_shared(parts: Sequence[ProjectFile]) -> None:
    """Report two entries with the same name as written. Names without references are compared by lint."""
    seen: dict[str, Location] = {}
    for part in parts:
        for index, (_, own) in enumerate(part.document.sessions):
            node = own.get("name")
            if node is None or "${" not in node.text:
                continue
            location = part.diagnostics.location(node)
            first = seen.setdefault(node.text.casefold(), location)
            if first is not location:
                summary = (
                    f"the name {quoted(node.text)} is already that of another session, at {first.file}:{first.line}"
                )
                detail = "The name as written is the identity of the entry. Merge both into one matrix, or rename one."
                part.diagnostics.add_at("matrix", location, summary, detail, path=f"sessions[{index}].name")


def compare_variables(parts: Sequence[ProjectFile]) -> None:
    """Report variables that are sensitive in one file only, or have different secrets as defaults."""
    first: dict[str, tuple[ProjectFile, Variable]] = {}
    for part in parts:
        for variable in part.variables.declared.values():
            other_part, other = first.setdefault(variable.name, (part, variable))
            where = other_part.diagnostics.location(other.node)
            if other.sensitive != variable.sensitive:
                this, that = ("sensitive", "not") if variable.sensitive else ("not sensitive", "it is")
                summary = f"the variable {quoted(variable.name)} is {this} here and {that} at {where.file}:{where.line}"
                detail = "Its value would be shown. Write sensitive: true in both, or rename one."
            elif (
                variable.sensitive
                and None not in {variable.default, other.default}
                and variable.default != other.default
            ):
                summary = (
                    f"the sensitive variable {quoted(variable.name)} has another default at {where.file}:{where.line}"
                )
                detail = "Rename one of the two, or give both the same default."
            else:
                continue
            part.diagnostics.add("variable", variable.node, summary, detail, path=f"variables.{variable.name}")
