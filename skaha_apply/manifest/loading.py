"""Paths in, projects out: find the manifests, read each, merge what belongs to one project."""

from __future__ import annotations

import gc
import re
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from skaha_apply.manifest.document import read_document
from skaha_apply.manifest.expansion import Placed, expand
from skaha_apply.manifest.findings import Findings
from skaha_apply.manifest.sources import Source, Unusable, discover, read
from skaha_apply.model.place import Place
from skaha_apply.model.spec import Loaded, Project
from skaha_apply.model.variables import Given

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from skaha_apply.manifest.document import Document
    from skaha_apply.manifest.nodes import Node
    from skaha_apply.model.place import Diagnostic, Ignore
    from skaha_apply.model.spec import SessionSpec

IN_SESSION = re.compile(r"sessions\[([0-9]+)\]")


@dataclass
class _Part:
    """What one file adds to its project."""

    project: str
    source: Source
    text: str
    start: Node
    sessions: list[Placed]
    ignores: tuple[Ignore, ...]


@dataclass(frozen=True)
class _Places(Mapping[str, Place]):
    """Places by path, each made from its file and node when it is asked for: of thousands few ever are."""

    nodes: dict[str, tuple[str, Node]]

    def __getitem__(self, path: str) -> Place:
        file, node = self.nodes[path]
        return Place(file, node.line, node.column, node.end_line, node.end_column)

    def __iter__(self) -> Iterator[str]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __contains__(self, path: object) -> bool:
        return path in self.nodes


@dataclass
class _Draft:
    """A project while its files are merged."""

    parts: list[_Part] = field(default_factory=list)


def load(
    paths: Sequence[Path | str],
    *,
    root: Path,
    stdin: Callable[[], bytes] | None = None,
    given: Given = Given(),  # noqa: B008 - a frozen value
) -> Loaded:
    """The projects that manifests describe.

    Args:
        paths: files, folders (every `*.yaml` and `*.yml` below, sorted, hidden ones left out), or `-`.
        root: the folder to which recorded file names are relative.
        stdin: gives the bytes of `-`; the standard input by default.
        given: what the call gives for variables.

    Returns the projects in the order in which they are first named. What is wrong is never raised: it is among the
    diagnostics, and the rest is still returned.
    """
    del given
    with _collector_at_rest():
        return _load(paths, root, stdin)


def _load(paths: Sequence[Path | str], root: Path, stdin: Callable[[], bytes] | None) -> Loaded:
    found = discover(paths, root)
    diagnostics = list(found.diagnostics)
    drafts: dict[str, _Draft] = {}
    for source in found.sources:
        part, problems = _load_file(source, stdin)
        diagnostics.extend(problems)
        if part is not None:
            drafts.setdefault(part.project, _Draft()).parts.append(part)
    files = tuple(source.recorded for source in found.sources)
    projects = tuple(_project(name, draft, files, tuple(found.folders)) for name, draft in drafts.items())
    return Loaded(projects, tuple(diagnostics))


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """Nothing is collected meanwhile: a large manifest makes a million objects, and none of them is garbage."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _load_file(source: Source, stdin: Callable[[], bytes] | None) -> tuple[_Part | None, tuple[Diagnostic, ...]]:
    try:
        text = read(source, stdin)
    except Unusable as error:
        return None, (error.diagnostic,)
    findings = Findings(source.shown, text)
    document = read_document(text, findings)
    if document is None:
        return None, findings.diagnostics
    sessions = list(expand(document, source.recorded))
    part = _Part(document.project, source, text, document.project_node, sessions, document.ignores)
    return part, _with_sessions(document, findings.diagnostics)


def _with_sessions(document: Document, found: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """Diagnostics with the name of the session that each is about."""
    names = [own["name"].text if "name" in own else "" for _, own in document.sessions]
    indices = [IN_SESSION.match(one.path) for one in found]
    return tuple(
        replace(one, session=names[int(index[1])]) if index and int(index[1]) < len(names) else one
        for one, index in zip(found, indices, strict=True)
    )


def _project(name: str, draft: _Draft, files: tuple[str, ...], folders: tuple[str, ...]) -> Project:
    places = _Places({"": (draft.parts[0].source.shown, draft.parts[0].start)})
    sessions: list[SessionSpec] = []
    for part in draft.parts:
        for placed in part.sessions:
            prefix = f"sessions[{len(sessions)}]"
            for path, node in placed.nodes.items():
                places.nodes[f"{prefix}.{path}" if path else prefix] = (part.source.shown, node)
            sessions.append(placed.spec)
    return Project(
        name=name,
        sessions=tuple(sessions),
        files=files,
        folders=folders,
        places=places,
        entries=tuple(placed.entry for part in draft.parts for placed in part.sessions),
        ignores=tuple(one for part in draft.parts for one in part.ignores),
        texts={part.source.shown: part.text for part in draft.parts},
    )
