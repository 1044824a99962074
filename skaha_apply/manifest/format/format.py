"""`fmt`: a manifest in canonical order and layout, with the same meaning and all comments.

Both are checked before a text is returned. If the check fails, the text stays unchanged.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from skaha_apply.manifest.format.key_order import reordered
from skaha_apply.manifest.format.layout import lay_out, spaced
from skaha_apply.manifest.format.tokens import LINE_BREAK, UnsupportedYaml, comments, parts, tokens
from skaha_apply.manifest.loading import load
from skaha_apply.manifest.source.files import ManifestFileError, decode, discover, read_bytes
from skaha_apply.manifest.source.foreign_files import is_foreign
from skaha_apply.manifest.source.nodes import NotYaml, compose
from skaha_apply.model.diagnostics import Diagnostic, Formatted, Location, Severity
from skaha_apply.model.errors import ManifestError
from skaha_apply.model.project import MissingValues, VariableValues

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skaha_apply.manifest.source.nodes import Node
    from skaha_apply.model.project import Project


def format_all(paths: Sequence[Path | str], *, stdin: Callable[[], bytes] | None = None) -> tuple[Formatted, ...]:
    """Every manifest of the paths (as in `load`), formatted, or its errors.

    Files of other tools in a folder are left out.
    """
    found = discover(paths)
    made = [Formatted(problem.location.file, b"", b"", (problem,)) for problem in found.diagnostics]
    for source in found.sources:
        data = b""
        try:
            data = read_bytes(source, source.real_path, stdin)
            if source.folder and is_foreign(decode(data, source.shown)):
                continue
            made.append(Formatted(source.shown, data, formatted(data, source.shown)))
        except ManifestFileError as error:
            made.append(Formatted(source.shown, data, data, (error.diagnostic,)))
        except ManifestError as error:
            made.append(Formatted(source.shown, data, data, error.diagnostics))
    return tuple(made)


def formatted(data: bytes, file: str) -> bytes:
    """A manifest's bytes in canonical form: UTF-8 without a byte order mark, line ends as its first one.

    Args:
        data: the content of the file.
        file: its name, for messages.

    Raises:
        ManifestError: for a text that is not a manifest, with its syntax errors.
    """
    try:
        text = decode(data, file)
    except ManifestFileError as error:
        raise ManifestError((error.diagnostic,)) from None
    before = _Content(text, file)
    if before.found:
        raise ManifestError(before.found)
    line_end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    source = LINE_BREAK.split(text)
    while source and not source[-1].strip(" \t"):
        source.pop()
    for attempt in (_ordered, _mostly_ordered, _laid_out, _tidied):
        made = "\n".join(attempt(source)) + "\n"
        if _Content(made, file) == before:
            return made.replace("\n", line_end).encode()
    return data


def _ordered(source: list[str]) -> list[str]:
    return _made(source, order=True, top=True)


def _mostly_ordered(source: list[str]) -> list[str]:
    return _made(source, order=True, top=False)


def _laid_out(source: list[str]) -> list[str]:
    return _made(source, order=False, top=False)


def _tidied(source: list[str]) -> list[str]:
    return source


def _made(source: list[str], *, order: bool, top: bool) -> list[str]:
    text = "\n".join(source) + "\n"
    try:
        root = parts(text)
        lines = lay_out(source, tokens(source, root))
        if order and root is not None:
            lines = reordered(lines, source, root, top=top)
    except (NotYaml, UnsupportedYaml):
        return source
    return [str(line) for line in spaced(lines)]


class _Content:
    """What must not change: the projects, the tree of nodes, the comments, and the rules that comments switch off."""

    def __init__(self, text: str, file: str) -> None:
        given = VariableValues(missing=MissingValues.ANY)
        loaded = load(["-"], root=Path(), stdin=text.encode, given=given, lists=False)
        self.found = tuple(
            Diagnostic(
                one.rule, one.severity, one.summary, one.detail, _renamed(one.location, file), one.snippet, one.path
            )
            for one in loaded.diagnostics
            if one.severity is Severity.ERROR
        )
        if self.found:
            return
        lines = LINE_BREAK.split(text)
        self.comments = sorted(comments(tokens(lines, parts(text))))
        self.tree = compose(text)
        self.projects = [
            (
                one.name,
                one.sessions,
                one.max_active,
                one.state,
                one.notify,
                one.moved,
                one.empty,
                one.unknown,
                _ignores(one),
            )
            for one in loaded.projects
        ]

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Content)
            and not self.found
            and not other.found
            and self.comments == other.comments
            and self.projects == other.projects
            and _same(self.tree, other.tree, set())
        )

    __hash__ = None  # type: ignore[assignment]  # only ever compared


def _renamed(location: Location, file: str) -> Location:
    return Location(file, location.line, location.column, location.end_line, location.end_column)


def _ignores(project: Project) -> list[tuple[str, tuple[str, ...]]]:
    """Rules that comments switch off, each with the fields on its line."""
    at: dict[int, list[str]] = {}
    for path, location in project.locations.items():
        at.setdefault(location.line, []).append(path)
    return sorted((one.rule, tuple(sorted(at.get(one.line, ())))) for one in project.ignores)


def _same(one: Node | None, two: Node | None, seen: set[tuple[int, int]]) -> bool:
    """Whether two trees are equal except for the order of keys; shared nodes are compared once."""
    if one is None or two is None:
        return one is two
    if (id(one), id(two)) in seen:
        return True
    seen.add((id(one), id(two)))
    if (one.shape, one.text, one.plain) != (two.shape, two.text, two.plain) or len(one.items) != len(two.items):
        return False
    mine = sorted(one.pairs, key=lambda pair: pair[0].text)
    theirs = sorted(two.pairs, key=lambda pair: pair[0].text)
    return (
        len(mine) == len(theirs)
        and all(_same(a, b, seen) for a, b in zip(one.items, two.items, strict=True))
        and all(_same(a[0], b[0], seen) and _same(a[1], b[1], seen) for a, b in zip(mine, theirs, strict=True))
    )
