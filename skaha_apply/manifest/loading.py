"""Loads projects: finds the manifests of paths, reads each, and merges the files of one project."""

from __future__ import annotations

import gc
import os
import re
import shlex
from contextlib import contextmanager
from dataclasses import field, replace
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.document import read_document
from skaha_apply.manifest.expansion.expand import expand
from skaha_apply.manifest.expansion.list_files import Lists
from skaha_apply.manifest.expansion.matrix_axes import MatrixContext
from skaha_apply.manifest.merge import ProjectFile, compare_variables, merged
from skaha_apply.manifest.source import foreign_files
from skaha_apply.manifest.source.file_diagnostics import FileDiagnostics
from skaha_apply.manifest.source.files import FoundFiles, ManifestFile, ManifestFileError, discover, without_manifests
from skaha_apply.manifest.source.foreign_files import ForeignFile, read_text
from skaha_apply.manifest.source.ignored_paths import IGNORE_FILE
from skaha_apply.manifest.source.manifest_paths import find_site, recorded
from skaha_apply.manifest.variables.declared import Variables
from skaha_apply.model.counts import counted
from skaha_apply.model.diagnostics import Diagnostic, Location, Severity
from skaha_apply.model.project import Loaded, VariableValues

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from skaha_apply.manifest.document import Document
    from skaha_apply.manifest.fields.values import NodeReader
    from skaha_apply.manifest.source.manifest_paths import Homes, Site
    from skaha_apply.manifest.source.nodes import Node
    from skaha_apply.model.project import NoticeTargets, Project

IN_SESSION = re.compile(r"sessions\[([0-9]+)\]")


def load(
    paths: Sequence[Path | str],
    *,
    root: Path | Homes,
    stdin: Callable[[], bytes] | None = None,
    given: VariableValues = VariableValues(),  # noqa: B008 - a frozen value
    lists: bool = True,
) -> Loaded:
    """The projects that manifests describe.

    Args:
        paths: files, folders (every `*.yaml` and `*.yml` below, sorted, hidden ones and those of other tools left out),
            or `-`.
        root: the folder to which recorded file names are relative; or a function that gives, for the real folders of
            a project's manifests, the folders where its state can live. Names are then relative to the only such
            folder, else to the folder that all of them share.
        stdin: gives the bytes of `-`; the standard input by default.
        given: the values of variables that the invocation gives.
        lists: whether the files of matrices are read; otherwise one combination stands for all of each.

    Returns the projects in the order in which files name them. Errors are not raised: they are diagnostics, and the
    valid part is still returned.
    """
    with collector_at_rest():
        homes = root if callable(root) else lambda _: (str(root),)
        return _Loader(homes, stdin, given, lists).load(paths)


@contextmanager
def collector_at_rest(*, for_good: bool = False) -> Iterator[None]:
    """Switch the garbage collector off: a large manifest creates a million objects, and none of them is garbage.

    With `for_good`, later collections leave these objects out, because the process ends soon.
    """
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if for_good:
            gc.freeze()  # else the first collection would search all of them
        if running:
            gc.enable()


@dataclass(frozen=True)
class _Loader:
    """Loads the files of one invocation."""

    homes: Homes
    stdin: Callable[[], bytes] | None
    given: VariableValues
    lists: bool
    cached: dict[tuple[str, ...], Lists] = field(default_factory=dict)

    def load(self, paths: Sequence[Path | str]) -> Loaded:
        found = discover(paths, self.given.files)
        if found.ignored:
            _log_ignored(found.ignored)
        diagnostics = list(found.diagnostics)
        drafts: list[_ParsedFile] = []
        skipped: list[ManifestFile] = []
        for source in found.sources:
            try:
                drafts.append(self._draft(source))
            except ForeignFile:
                skipped.append(source)
            except ManifestFileError as error:
                diagnostics.append(error.diagnostic)
        sites = self._sites(drafts)
        read = [self._read(one, sites) for one in drafts]
        parts = [one.content for one in read if isinstance(one.content, ProjectFile)]
        projects = _projects(parts, sites, replace(found, sources=[one for one in found.sources if one not in skipped]))
        compare_variables(parts)
        for one in read:
            diagnostics.extend(one.diagnostics)
        diagnostics.extend(_without_manifests(found.sources, skipped))
        declared = frozenset(name for part in parts for name in part.variables.declared)
        return Loaded(projects, tuple(diagnostics), declared, tuple(_notes(skipped, found)))

    def _draft(self, source: ManifestFile) -> _ParsedFile:
        """One file. Raises `ManifestFileError`, or `ForeignFile`."""
        real_path = source.real_path
        is_open = source.is_open(real_path)
        text = read_text(source, real_path, self.stdin)
        diagnostics = FileDiagnostics(source.shown, text if is_open else "")
        document = read_document(text, diagnostics, named=not source.folder)
        return _ParsedFile(diagnostics, document, source, real_path, is_open=is_open)

    def _sites(self, drafts: Sequence[_ParsedFile]) -> dict[str, Site]:
        """Where the manifests of each project lie."""
        sources: dict[str, list[ManifestFile]] = {}
        for one in drafts:
            if one.document is not None:
                sources.setdefault(one.document.project, []).append(one.source)
        return {project: find_site(own, self.homes) for project, own in sources.items()}

    def _read(self, draft: _ParsedFile, sites: Mapping[str, Site]) -> _LoadedFile:
        """The sessions of a file whose project is known."""
        source, document = draft.source, draft.document
        if document is None:
            return _LoadedFile(draft.diagnostics, source, draft.real_path, is_open=draft.is_open)
        variables = Variables(draft.diagnostics, document.variables, self.given)
        folder = "" if source.shown == "-" else os.path.dirname(source.shown)  # noqa: PTH120 - as it is written
        context = MatrixContext(document.reader, variables, self._lists(source), folder)
        node = document.settings.notify
        part = ProjectFile(
            document,
            variables,
            expand(document, context, sites[document.project].names.of(source.path)),
            None if node is None else _notify(document.reader, variables, node),
        )
        return _LoadedFile(part, source, draft.real_path, is_open=draft.is_open)

    def _lists(self, source: ManifestFile) -> Lists | None:
        """The lists that a manifest may use."""
        if not self.lists:
            return None
        if source.open_folders not in self.cached:
            self.cached[source.open_folders] = Lists(source.open_folders, self.given.files)
        return self.cached[source.open_folders]


@dataclass(frozen=True)
class _ParsedFile:
    """A file that was read up to its project; without a document if it has errors only. See `_LoadedFile`."""

    diagnostics: FileDiagnostics
    document: Document | None
    source: ManifestFile
    real_path: str
    is_open: bool


@dataclass(frozen=True)
class _LoadedFile:
    """A file that was read: its part of a project, or only diagnostics.

    `is_open` is false if an untrusted link leads to the file, which can contain a key or a password.
    """

    content: ProjectFile | FileDiagnostics
    source: ManifestFile
    real_path: str
    is_open: bool

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Its diagnostics; one that shows nothing of the file if a link leads out of the open folders."""
        found = _with_sessions(self.content) if isinstance(self.content, ProjectFile) else self.content.diagnostics
        if self.is_open:
            return found
        errors = sum(one.severity is Severity.ERROR for one in found)
        if not errors:
            return ()
        summary = f"{counted(errors, 'error')} in a file outside the folder, to which a link leads"
        detail = f"Messages do not show such a file. Name the file itself: {shlex.quote(self.real_path)}"
        return (Diagnostic("file", Severity.ERROR, summary, detail, Location(self.source.shown)),)


def _notify(reader: NodeReader, variables: Variables, node: Node) -> NoticeTargets | None:
    from skaha_apply.manifest.expansion.notify import read_notify  # noqa: PLC0415 - few manifests have the key

    return read_notify(reader, variables, node)


def _without_manifests(sources: Sequence[ManifestFile], skipped: Sequence[ManifestFile]) -> Iterator[Diagnostic]:
    """An error for each folder that holds files of other tools only."""
    with_manifests = {source.folder for source in sources if source not in skipped}
    for folder in dict.fromkeys(source.folder for source in skipped):
        if folder not in with_manifests:
            names = [source.shown for source in skipped if source.folder == folder]
            yield without_manifests(
                folder, f"{foreign_files.note(names, f'YAML files with {foreign_files.WHY}')}."
            ).diagnostic


def _notes(skipped: Sequence[ManifestFile], found: FoundFiles) -> Iterator[str]:
    if skipped:
        what = f"YAML file{'s are' if len(skipped) > 1 else ' is'} skipped ({foreign_files.WHY})"
        yield foreign_files.note([source.shown for source in skipped], what)
    if found.outside:
        what = "links are" if len(found.outside) > 1 else "link is"
        what += " not followed (out of the folder, or to a hidden file)"
        yield foreign_files.note(found.outside, what)


def _log_ignored(ignored: Sequence[str]) -> None:
    """Name what the ignore files leave out, for `--verbose`: it is the same in each invocation."""
    import logging  # noqa: PLC0415 - few folders have an ignore file

    for path in ignored:
        logging.getLogger("skaha_apply.manifests").info("%s leaves out %s", IGNORE_FILE, path)


def _projects(parts: Sequence[ProjectFile], sites: Mapping[str, Site], found: FoundFiles) -> tuple[Project, ...]:
    own: dict[str, list[ProjectFile]] = {}
    for part in parts:
        own.setdefault(part.document.project, []).append(part)
    made = []
    names: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}  # of all files and folders, by base: many share it
    for name, files_of_project in own.items():
        site = sites[name]
        base = site.names.base
        if base not in names:
            names[base] = recorded(found, site)
        files, folders = names[base]
        project = merged(name, files_of_project, files, folders)
        made.append(replace(project, homes=site.homes, around=site.around))
    return tuple(made)


def _with_sessions(part: ProjectFile) -> tuple[Diagnostic, ...]:
    """Diagnostics with the name of the session that each is about."""
    found = part.diagnostics.diagnostics
    names = [own["name"].text if "name" in own else "" for _, own in part.document.sessions]
    indices = [IN_SESSION.match(one.path) for one in found]
    return tuple(
        replace(one, session=names[int(index[1])]) if index and int(index[1]) < len(names) else one
        for one, index in zip(found, indices, strict=True)
    )
