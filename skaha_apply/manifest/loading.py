"""Paths in, projects out: find the manifests, read each, merge what belongs to one project."""

from __future__ import annotations

import gc
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from skaha_apply.manifest.document import read_document
from skaha_apply.manifest.expansion import expand
from skaha_apply.manifest.findings import Findings
from skaha_apply.manifest.matrix.axes import Reading
from skaha_apply.manifest.matrix.lists import Lists, is_open, roots
from skaha_apply.manifest.merging import Part, compare_variables, merged
from skaha_apply.manifest.sources import Source, Unusable, discover, read
from skaha_apply.manifest.variables import Variables
from skaha_apply.model.spec import Loaded
from skaha_apply.model.variables import Given

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from skaha_apply.model.place import Diagnostic

IN_SESSION = re.compile(r"sessions\[([0-9]+)\]")


def load(
    paths: Sequence[Path | str],
    *,
    root: Path,
    stdin: Callable[[], bytes] | None = None,
    given: Given = Given(),  # noqa: B008 - a frozen value
    lists: bool = True,
) -> Loaded:
    """The projects that manifests describe.

    Args:
        paths: files, folders (every `*.yaml` and `*.yml` below, sorted, hidden ones left out), or `-`.
        root: the folder to which recorded file names are relative.
        stdin: gives the bytes of `-`; the standard input by default.
        given: what the call gives for variables.
        lists: whether the files of matrices are read; otherwise one combination stands for all of each.

    Returns the projects in the order in which they are first named. What is wrong is never raised: it is among the
    diagnostics, and the rest is still returned.
    """
    with collector_at_rest():
        folders = roots(paths)
        call = _Call(root, stdin, given, folders, Lists(folders, given.files) if lists else None)
        return call.load(paths)


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Nothing is collected meanwhile: a large manifest makes a million objects, and none of them is garbage."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


@dataclass(frozen=True)
class _Call:
    """What loading each file takes."""

    root: Path
    stdin: Callable[[], bytes] | None
    given: Given
    folders: tuple[str, ...]
    lists: Lists | None

    def load(self, paths: Sequence[Path | str]) -> Loaded:
        found = discover(paths, self.root, self.given.files)
        diagnostics = list(found.diagnostics)
        read: list[Part | Findings] = []
        for source in found.sources:
            try:
                read.append(self._read(source))
            except Unusable as error:
                diagnostics.append(error.diagnostic)
        parts = [one for one in read if isinstance(one, Part)]
        drafts: dict[str, list[Part]] = {}
        for part in parts:
            drafts.setdefault(part.document.project, []).append(part)
        files = tuple(source.recorded for source in found.sources)
        projects = tuple(merged(name, draft, files, tuple(found.folders)) for name, draft in drafts.items())
        compare_variables(parts)
        for one in read:
            diagnostics.extend(_with_sessions(one) if isinstance(one, Part) else one.diagnostics)
        declared = frozenset(name for part in parts for name in part.variables.declared)
        return Loaded(projects, tuple(diagnostics), declared)

    def _read(self, source: Source) -> Part | Findings:
        """One file; only its findings when they leave nothing to go on with. Raises `Unusable`."""
        text = read(source, self.stdin)
        findings = Findings(source.shown, text if self._may_show(source) else "")
        document = read_document(text, findings)
        if document is None:
            return findings
        variables = Variables(findings, document.variables, self.given)
        beside = "" if source.shown == "-" else os.path.dirname(source.shown)  # noqa: PTH120 - as it is written
        reading = Reading(document.values, variables, self.lists, beside)
        return Part(document, variables, expand(document, reading, source.recorded))

    def _may_show(self, source: Source) -> bool:
        """Whether messages may show lines of a file: a link of a stranger's may lead to a key or a password."""
        return source.shown == "-" or is_open(os.path.realpath(source.shown), self.folders)


def _with_sessions(part: Part) -> tuple[Diagnostic, ...]:
    """Diagnostics with the name of the session that each is about."""
    found = part.findings.diagnostics
    names = [own["name"].text if "name" in own else "" for _, own in part.document.sessions]
    indices = [IN_SESSION.match(one.path) for one in found]
    return tuple(
        replace(one, session=names[int(index[1])]) if index and int(index[1]) < len(names) else one
        for one, index in zip(found, indices, strict=True)
    )
