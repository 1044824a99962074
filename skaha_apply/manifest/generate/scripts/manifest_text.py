"""Writes the entries of a script as the text of a manifest, with comments about what is not known."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.generate.scripts.entries import entries_of
from skaha_apply.manifest.generate.scripts.python.from_python import read_python
from skaha_apply.manifest.generate.scripts.record import ScriptReading
from skaha_apply.manifest.generate.scripts.script_tables import ScriptTables
from skaha_apply.manifest.generate.scripts.shell.from_shell import read_shell
from skaha_apply.manifest.generate.scripts.unique_entries import with_unique_names
from skaha_apply.manifest.generate.scripts.waits import with_needs
from skaha_apply.manifest.generate.yaml_writer import Remarks, dump
from skaha_apply.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from skaha_apply.manifest.generate.from_command import ConvertedSession
    from skaha_apply.manifest.generate.scripts.templates import Entry
    from skaha_apply.model.spec import SessionSpec

    Refusals = Callable[[Sequence[ConvertedSession]], Mapping[int, str]]

MOST_REMARKS = 50
MANY = 20  # sessions of an entry; lint advises retries
MOST_AT_ONCE = 100  # sessions of an entry; lint advises a limit for more
RETRIES = 2


@dataclass(frozen=True)
class ConvertedScript:
    """The text of a manifest, the number of its sessions, the number of remarks, and new tables by their paths."""

    text: str
    sessions: int
    remarks: int
    tables: Mapping[str, str] = field(default_factory=dict)


def convert_script(
    source: str, project: str, lists: ScriptLists, refused: Refusals, *, python: bool
) -> ConvertedScript:
    """The manifest that creates the sessions that a script creates.

    Args:
        source: the text of the script.
        project: the name of the project.
        lists: finds the lists that the script reads.
        refused: gives the reasons why the server would refuse sessions, by their places.
        python: whether the script is Python; else it is bash.

    Raises `UsageError` for a script that cannot be read, or that creates no session.
    """
    reading = ScriptReading(lists.read)
    (read_python if python else read_shell)(source, reading)
    found = entries_of(reading, refused)
    remarks = _remarks(reading)
    if not found.entries and not found.missing:
        raise UsageError("the script creates no session that can be read", hint=" ".join(remarks[:3]) or NO_CALL)
    if len(remarks) > MOST_REMARKS:
        remarks = [*remarks[:MOST_REMARKS], f"and {len(remarks) - MOST_REMARKS} more"]
    tables = ScriptTables(project, lists.tables, lists.in_manifest(reading.lists))
    entries = with_needs(tables.placed(with_unique_names(found.entries)), [one for one, _ in found.missing], reading)
    places = Places(lists.named(reading.lists), tables.tables)
    text = _manifest(project, entries, places, Remarks(head=remarks, limit=min(reading.limits.values(), default=None)))
    for entry, paths in found.missing:
        text += _commented(entry, paths, reading.stages[: entry.stage])
    count = sum(_combinations(entry) for entry in entries)
    return ConvertedScript(text, count, len(reading.remarks) + len(found.missing), tables.written)


def _remarks(reading: ScriptReading) -> list[str]:
    """What the manifest states at its top, in the order of the script."""
    limits = [(line, f"the script waits while {most:,} sessions are active") for line, most in reading.limits.items()]
    return [f"Line {line}: {text}." for line, text in sorted([*reading.remarks, *limits])]


NO_CALL = "it requires lines with `canfar create` or `skaha create`, or Session.create() with literal values"


@dataclass(frozen=True)
class ScriptLists:
    """The lists that a script reads.

    `read` gives the text of a list by its path in the script, None if it is not there. `manifest_path` gives its path
    as the manifest names it, None if a manifest cannot read it. `tables` is the folder of new tables, None for none.
    """

    read: Callable[[str], str | None]
    manifest_path: Callable[[str], str | None]
    tables: str | None = None

    def in_manifest(self, texts: Mapping[str, str]) -> dict[str, str]:
        """The text of each list that a manifest can read, by its path in the manifest."""
        named = ((self.manifest_path(path), text) for path, text in texts.items())
        return {path: text for path, text in named if path is not None}

    def named(self, texts: Mapping[str, str]) -> dict[tuple[str, ...], str]:
        """The path of each list in the manifest, by its values as a matrix reads them."""
        found: dict[tuple[str, ...], str] = {}
        for path, text in texts.items():
            rows = [row.strip() for row in text.splitlines()]
            values = tuple(row for row in rows if row and not row.startswith("#"))
            if values and (named := self.manifest_path(path)) is not None:
                found.setdefault(values, named)
        return found


def _combinations(entry: Entry) -> int:
    count = entry.session.spec.replicas
    if entry.rows:
        return count * len(entry.rows)
    for values in entry.axes.values():
        count *= len(values)
    return count


def _limited(entry: Entry, limit: int | None) -> SessionSpec:
    """The session of an entry. A large entry gets retries, and a `parallelism` of its size if all start at once."""
    spec, count = entry.session.spec, _combinations(entry)
    if spec.kind.interactive or count < MANY:
        return spec
    at_once = count if limit is None and count > MOST_AT_ONCE else None
    return spec.model_copy(update={"retries": RETRIES, "parallelism": at_once})


def _remarks_about_size(entry: Entry, limit: int | None) -> Sequence[str]:
    count = _combinations(entry)
    if entry.session.spec.kind.interactive or count <= MOST_AT_ONCE or limit is not None:
        return ()
    return (
        f"The script creates all {count:,} sessions at once. `pilot: 1` starts the others after the first success.",
    )


@dataclass(frozen=True)
class Places:
    """The files that the manifest names: of lists by their values, of tables by the names of entries."""

    lists: Mapping[tuple[str, ...], str]
    tables: Mapping[str, str]

    def matrix(self, entry: Entry) -> Mapping[str, Sequence[str] | str]:
        """The matrix of an entry: its axes, each with its values or the path of its list, or the path of its table."""
        if entry.rows:
            return {"rows": self.tables[entry.session.spec.name]}
        return {axis: self.lists.get(values, values) for axis, values in entry.axes.items()}


def _manifest(project: str, entries: Sequence[Entry], places: Places, whole: Remarks) -> str:
    """The text of the manifest; `whole` has the comments at its top and its limit."""
    specs = [_limited(entry, whole.limit) for entry in entries]
    matrices = {entry.session.spec.name: places.matrix(entry) for entry in entries if entry.axes}
    shown: set[str] = set()
    about: dict[str, list[str]] = {}
    for entry in entries:
        remarks_here = (*entry.session.remarks, *_remarks_about_size(entry, whole.limit))
        about[entry.session.spec.name] = [remark for remark in remarks_here if remark not in shown]
        about[entry.session.spec.name] += entry.waits
        shown.update(remarks_here)
    written = replace(
        whole,
        sessions=about,
        escaped=any(entry.session.escaped for entry in entries),
        matrices=matrices,
    )
    return dump(project, specs, written)


def _commented(entry: Entry, paths: Mapping[str, str], stages: Sequence[int]) -> str:
    """An entry as comments, because its list is not here. `stages` are the lines where the script waits before it."""
    spec = entry.session.spec
    lists = {axis: path.rpartition("/")[2] for axis, path in paths.items()}
    text = dump("x", [spec], Remarks(matrices={spec.name: lists}, escaped=entry.session.escaped))
    rows = text.splitlines()[3:]
    where = ", ".join(sorted(set(paths.values())))
    head = f"Line {entry.line}: {where} was not found. Copy it to this folder, and remove the # of these lines:"
    waits = [f"Line {line}: the script waits for the sessions before this entry; add: needs" for line in stages[-1:]]
    return "".join(f"  # {row}\n" for row in [*waits, head, *(row[2:] for row in rows)])
