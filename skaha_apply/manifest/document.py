"""The form of one manifest file: project, defaults and entries, whose values are still nodes."""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.fields import readers
from skaha_apply.manifest.fields.project_fields import TOP_FIELDS
from skaha_apply.manifest.fields.session_fields import BY_NAME, DEFAULT_FIELDS
from skaha_apply.manifest.fields.values import WORDS, InvalidValue, KeyValue, NodeReader, number_of
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.manifest.source.foreign_files import ForeignFile, is_foreign_error, is_foreign_root
from skaha_apply.manifest.source.ignore_comments import ignores
from skaha_apply.manifest.source.nodes import NotYaml, compose
from skaha_apply.manifest.source.syntax_errors import advice
from skaha_apply.manifest.variables.declared import read_variables
from skaha_apply.model.diagnostics import Location
from skaha_apply.model.project import MaxActive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.manifest.fields.values import KeyValue
    from skaha_apply.manifest.source.file_diagnostics import FileDiagnostics
    from skaha_apply.manifest.source.nodes import Node
    from skaha_apply.manifest.variables.declared import Variable
    from skaha_apply.model.diagnostics import Ignore
    from skaha_apply.model.project import Move


VERSION = 1
LONGEST = 100  # characters of an unknown key that are compared with the known ones


@dataclass(frozen=True)
class Document:
    """One file. Values are still nodes, so that references can be filled in before the values are read."""

    project: str
    project_node: Node
    defaults: Mapping[str, Node]
    variables: Mapping[str, Variable]
    settings: ProjectSettings
    sessions: tuple[tuple[Node, Mapping[str, Node]], ...]
    reader: NodeReader
    ignores: tuple[Ignore, ...] = ()


def read_document(text: str, diagnostics: FileDiagnostics, *, named: bool = True) -> Document | None:
    """The document of a file; None if its errors (in `diagnostics`) prevent further reading.

    Raises:
        ForeignFile: for a file of another tool, unless the user `named` it.
    """
    try:
        root = compose(text)
        if not named and is_foreign_root(root):
            raise ForeignFile(diagnostics.file)
    except NotYaml as error:
        if not named and is_foreign_error(error, text):
            raise ForeignFile(diagnostics.file) from None
        location = Location(diagnostics.file, error.line, error.column, error.end_line, error.end_column)
        diagnostics.add_at(error.rule, location, *advice(error, text))
        return None
    if root is None or root.empty:
        detail = "A manifest begins with version: 1, project: NAME, sessions: [...]"
        diagnostics.add_at("empty", Location(diagnostics.file), "the manifest is empty", detail)
        return None
    if root.shape != "mapping":
        detail = "A manifest begins with version: 1, project: NAME, sessions: [...]"
        diagnostics.add("wrong-type", root, f"a manifest is a mapping, not {WORDS[root.shape]}", detail)
        return None
    reader = NodeReader(diagnostics)
    return _document(root, reader, ignores(text, root, diagnostics.file))


def _document(root: Node, reader: NodeReader, ignored: tuple[Ignore, ...]) -> Document | None:
    if not any(key.text == "sessions" for key, _ in root.pairs):
        reader.diagnostics.mask(root)  # perhaps a file with values of variables
    entries = reader.entries(root, "")
    declared = read_variables(reader, entries["variables"].value) if "variables" in entries else {}
    if not _version(root, entries, reader):
        return None
    _refuse_unknown(entries, TOP_FIELDS, reader, "", extra="x-")
    project = _project(root, entries, reader)
    defaults: Mapping[str, Node] = {}
    if "defaults" in entries:
        defaults = _known(entries["defaults"].value, reader, "defaults", defaults=True)
    settings = read_settings(reader, entries)
    sessions = _sessions(root, entries, reader)
    if project is None:
        return None
    return Document(project, entries["project"].value, defaults, declared, settings, sessions, reader, ignored)


def _version(root: Node, entries: Mapping[str, KeyValue], reader: NodeReader) -> bool:
    if "version" not in entries:
        detail = f"Write version: {VERSION} at the top."
        reader.diagnostics.add("missing-key", _first_key(root), "the key `version` is missing", detail)
        return True
    node = entries["version"].value
    if node.shape == "scalar" and node.plain and number_of(node.text) == VERSION:
        return True
    written = quoted(node.text) if node.shape == "scalar" else WORDS[node.shape]
    detail = f"Write version: {VERSION}. A later version requires a later skaha-apply."
    reader.diagnostics.add("version", node, f"version {written} is not known", detail, path="version")
    return False


def _project(root: Node, entries: Mapping[str, KeyValue], reader: NodeReader) -> str | None:
    if "project" not in entries:
        detail = "Write project: NAME. The sessions belong to this project."
        reader.diagnostics.add("missing-key", _first_key(root), "the key `project` is missing", detail)
        return None
    try:
        return reader.project(entries["project"].value, "project")
    except InvalidValue:
        return None


def _sessions(
    root: Node, entries: Mapping[str, KeyValue], reader: NodeReader
) -> tuple[tuple[Node, Mapping[str, Node]], ...]:
    if "sessions" not in entries:
        detail = "Write sessions: and a list below it, or sessions: [] for none."
        reader.diagnostics.add("missing-key", _first_key(root), "the key `sessions` is missing", detail)
        return ()
    node = entries["sessions"].value
    if node.shape != "sequence":
        written = "empty" if node.empty else WORDS[node.shape]
        detail = "Begin each session with a dash, `- name: NAME`; write sessions: [] for none."
        reader.diagnostics.add("wrong-type", node, f"sessions must be a list, not {written}", detail, path="sessions")
        return ()
    return tuple(
        (item, _known(item, reader, f"sessions[{index}]", defaults=False)) for index, item in enumerate(node.items)
    )


def _known(node: Node, reader: NodeReader, path: str, *, defaults: bool) -> dict[str, Node]:
    """The valid keys of a session, or of the defaults; others are reported."""
    if node.shape != "mapping":
        written = "empty" if node.empty else WORDS[node.shape]
        detail = "Remove the key." if defaults else "Write - name: NAME, and its keys below."
        reader.diagnostics.add("wrong-type", node, f"{path} must be a mapping, not {written}", detail, path=path)
        return {}
    fields = DEFAULT_FIELDS if defaults else BY_NAME
    entries = reader.entries(node, path)
    _refuse_unknown(entries, fields, reader, path)
    return {name: entry.value for name, entry in entries.items() if name in fields}


def _refuse_unknown(
    entries: Mapping[str, KeyValue], known: Mapping[str, object], reader: NodeReader, path: str, extra: str = "\n"
) -> None:
    for name, entry in entries.items():
        if name in known or name.startswith(extra):
            continue
        near = _nearest(name.lower(), tuple(known))
        where = path or "a manifest"
        if foreign := _advice_for(name, known):
            detail = foreign
        elif near:
            detail = f"Did you mean {near}?"
        elif not path and name in BY_NAME:
            detail = "Write it in a session, or in defaults."
        elif path == "defaults" and name in BY_NAME:
            detail = "Write it in each session."
        else:
            detail = f"The keys are {', '.join(known)}."
            if extra == "x-":
                detail += " Keys of your own begin with x-."
        reader.diagnostics.add(
            "unknown-key",
            entry.key,
            f"{quoted(name)} is not a key of {where}",
            detail,
            path=f"{path}.{name}".lstrip("."),
        )


def _advice_for(name: str, known: Mapping[str, object]) -> str:
    """What to write instead of a key of another tool, if the mapping can have the right key; else ""."""
    from skaha_apply.manifest.fields.foreign_keys import FOREIGN_KEYS  # noqa: PLC0415 - only after a mistake

    advice = FOREIGN_KEYS.get(name.replace("-", "_").lower())
    return advice.detail if advice is not None and (not advice.key or advice.key in known) else ""


@lru_cache(maxsize=1000)
def _nearest(name: str, known: tuple[str, ...]) -> str:
    return next(iter(get_close_matches(name[:LONGEST], known, n=1, cutoff=0.6)), "")


def _first_key(root: Node) -> Node:
    return root.pairs[0][0] if root.pairs else root


LIMITS = ("project", "account")


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """The limits and the state store that one file names, each with its node; None if a key is missing.

    `notify` is not read yet, because its texts can contain variables.
    """

    max_active: tuple[MaxActive, Node] | None = None
    state: tuple[str, Node] | None = None
    notify: Node | None = None
    moved: tuple[tuple[Move, Node], ...] = ()


def read_settings(reader: NodeReader, entries: Mapping[str, KeyValue]) -> ProjectSettings:
    """The settings at the top of a file. Invalid ones are reported and left out."""
    limits = state = None
    if "max_active" in entries:
        node = entries["max_active"].value
        try:
            limits = (_max_active(reader, node), node)
        except InvalidValue:
            limits = None
    if "state" in entries:
        node = entries["state"].value
        try:
            state = (reader.text(node, "state"), node)
        except InvalidValue:
            state = None
    notify = entries["notify"].value if "notify" in entries else None
    if "moved" not in entries:
        return ProjectSettings(limits, state, notify)
    from skaha_apply.manifest.fields.moved import read_moved  # noqa: PLC0415 - few manifests have the key

    return ProjectSettings(limits, state, notify, read_moved(reader, entries["moved"].value))


def _max_active(reader: NodeReader, node: Node) -> MaxActive:
    if node.shape == "scalar":
        return MaxActive(project=readers.count(reader, node, "max_active"))
    if node.shape != "mapping" or not node.pairs:
        what = "an empty mapping" if node.shape == "mapping" else WORDS[node.shape]
        detail = "Write max_active: 200, or {project: 200, account: 250}."
        raise reader.refuse("wrong-type", node, f"max_active must be a number, not {what}", detail, path="max_active")
    limits: dict[str, int] = {}
    failed = False
    for name, entry in reader.entries(node, "max_active").items():
        path = f"max_active.{name}"
        try:
            if name not in LIMITS:
                near = get_close_matches(name.lower()[:100], LIMITS, n=1)
                detail = f"Did you mean {near[0]}?" if near else f"The keys are {', '.join(LIMITS)}."
                raise reader.refuse(
                    "unknown-key", entry.key, f"{quoted(name)} is not a key of max_active", detail, path=path
                )
            limits[name] = readers.count(reader, entry.value, path)
        except InvalidValue:
            failed = True
    if failed:
        raise InvalidValue("max_active")
    return MaxActive(**limits)
