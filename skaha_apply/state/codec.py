"""The text form of the state document, and the checks before a text is trusted.

Each replica is one line without default values, and the specs of one entry are stored as differences. So 20,000
replicas stay a few MB, and `diff` compares two versions of a state. This module reads and writes no file.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from skaha_apply.model.errors import StateError
from skaha_apply.model.spec import default_values
from skaha_apply.model.state import ARCHIVE_FORMAT, STATE_FORMAT, Frozen, ReplicaRecord, StateDocument
from skaha_apply.state.document.consistency import RESTORE, check_consistent
from skaha_apply.state.document.digest import KEY as DIGEST
from skaha_apply.state.document.digest import differences, document_text, is_intact
from skaha_apply.state.document.spec_compression import LIKE, DiffersTooMuch, difference, expand_specs, find_models
from skaha_apply.state.values.reader import WRONG, reader
from skaha_apply.state.values.writer import json_field, line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from skaha_apply.model.spec import SessionSpec

_MINORS = {major: int(minor) for major, _, minor in (one.partition(".") for one in (STATE_FORMAT, ARCHIVE_FORMAT))}
MAJORS = tuple(_MINORS)  # of the formats that this version reads
# Also written with their default values: a reader needs them before it can trust the rest.
ALWAYS = ("format_version", "serial", "lineage", "project", "server")
_VERSION = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}")
_READ = " and ".join(f"{major}.x" for major in MAJORS)

_CHANGED = (
    'Restore the state from a backup. If you edited it by hand, remove its line "digest" and raise "serial" by one; '
    "the next write adds the digest again."
)


class LineCache:
    """The encoded lines of the last write, by identity of their objects: most lines do not change between writes."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Frozen | SessionSpec, SessionSpec | None, str]] = {}
        self._used: dict[int, tuple[Frozen | SessionSpec, SessionSpec | None, str]] = {}

    def line(self, item: Frozen | SessionSpec) -> str:
        """The item as one line of JSON, without default values."""
        known = self._known.get(id(item))
        if known is None or known[1] is not None:
            known = (item, None, line(item))
        self._used[id(item)] = known
        return known[2]

    def difference_line(self, spec: SessionSpec, key: str, model: SessionSpec) -> str:
        """The spec as one line with its differences from the spec `model`, which has the key `key`."""
        known = self._known.get(id(spec))
        if known is None or known[1] is not model:
            changes = {LIKE: key, **difference(spec, model)}
            known = (spec, model, json.dumps(changes, ensure_ascii=False, separators=(",", ":")))
        self._used[id(spec)] = known
        return known[2]

    def forget_unused(self) -> None:
        """Drop the lines that the last write did not use."""
        self._known, self._used = self._used, {}


def encode(document: StateDocument, lines: LineCache | None = None, version: str | None = None) -> bytes:
    """The document as UTF-8 JSON, in the format of this version, also if it was read in another format.

    `lines` makes repeated writes of one state cheap. `version` is the format that the text states. Raises `StateError`
    for a document that `decode` would not trust, because such a document must never replace a good one.
    """
    check_consistent(document, "the new state")
    lines = lines or LineCache()
    version = version or (ARCHIVE_FORMAT if document.done else STATE_FORMAT)
    members = {}
    for name, default in default_values(StateDocument).items():
        value = version if name == "format_version" else getattr(document, name)
        if name in ALWAYS or value != default:
            members[name] = _text(document, name, value, lines)
    lines.forget_unused()
    return document_text(members)


def decode(data: bytes, source: str) -> StateDocument:
    """The document in `data`, which has all records; `source` is its path or address, for messages.

    Raises `StateError` for what `decode_open` refuses, and for a document that refers to an archive.
    """
    document = decode_open(data, source)
    if document.done:
        raise StateError(
            f"the state {source} does not have all records: it refers to the archive of a local state",
            hint="`skaha-apply state pull --state FILE` writes a local state with its archive as one text.",
        )
    return document


def decode_open(data: bytes, source: str) -> StateDocument:
    """The document in `data` as it is written: the records in an archive, which `done` names, are not in it.

    Unknown keys are ignored, so that this tool can read a newer minor version. The next write drops them. The types of
    the values are checked unless the digest proves that the text is as this tool wrote it. Raises `StateError` if the
    text is incomplete, not JSON, of a newer major version, of another shape, or inconsistent.
    """
    raw = _parse(data, source)
    _check_version(raw.get("format_version"), source)
    if isinstance(raw.get("specs"), dict):
        raw["specs"] = _expand_specs(raw["specs"], source)
    stated = raw.pop(DIGEST, None)
    is_proven = stated is not None and is_intact(data)
    document = (_read_plain(raw) if is_proven else None) or _validate(raw, source)
    check_consistent(document, f"the state {source}")
    return document if stated is None or is_proven else _with_digest(document, stated, source)


def has_archive(data: bytes) -> bool:
    """Whether the text of a document refers to an archive; false for a text that is not a document."""
    try:
        return b'"done"' in data and bool(json.loads(data).get("done"))
    except (ValueError, AttributeError):
        return False


def encode_records(records: Iterable[ReplicaRecord]) -> bytes:
    """Records as UTF-8 JSON, one on each line, without default values."""
    return "".join(f"{line(record)}\n" for record in records).encode()


def decode_records(data: bytes, source: str) -> tuple[ReplicaRecord, ...]:
    """The records of a text that is proven to be one of `encode_records`; `source` is its path.

    Raises `StateError` if it is not.
    """
    read = reader(ReplicaRecord)
    try:
        return tuple(read(raw) for raw in json.loads(b"[" + b",".join(data.splitlines()) + b"]"))
    except WRONG as error:
        raise StateError(f"{source} is damaged: {error}", hint=RESTORE) from error


def _read_plain(raw: dict[str, Any]) -> StateDocument | None:
    """The document of a text that this version or an earlier one wrote; None if a value is wrong nevertheless."""
    major, _, minor = raw["format_version"].partition(".")
    if int(minor) > _MINORS[major]:
        return None
    try:
        document: StateDocument = reader(StateDocument)(raw)
    except WRONG:  # the check of each value finds its place
        return None
    return document


def _with_digest(document: StateDocument, stated: Any, source: str) -> StateDocument:
    """The document of a text whose layout changed, if its content has the stated digest; raises `StateError` otherwise.

    The content is written and read again, because a text can contain more than is written, such as fractions of a
    millisecond.
    """
    try:
        written = encode(document, version=document.format_version)
        found = differences(stated, written)
    except (ValueError, OverflowError):
        found = (DIGEST,)
    if found:
        raise StateError(f"the state {source} was changed after it was written: in {', '.join(found)}", hint=_CHANGED)
    return decode_open(written, source)


def _text(document: StateDocument, name: str, value: Any, lines: LineCache) -> str:
    if isinstance(value, tuple) and value and isinstance(value[0], Frozen):
        return "[\n" + ",\n".join(lines.line(item) for item in value) + "\n]"
    if name == "specs":
        return "{\n" + ",\n".join(_specs(document.specs, lines)) + "\n}"
    if name == "format_version":
        return json.dumps(value)
    return json.dumps(json_field(document, name), ensure_ascii=False)


def _specs(specs: dict[str, SessionSpec], lines: LineCache) -> Iterator[str]:
    models = find_models(specs)
    for key, spec in specs.items():
        model = models.get(key)
        line = lines.line(spec) if model is None else lines.difference_line(spec, model, specs[model])
        yield f"{json.dumps(key)}: {line}"


def _parse(data: bytes, source: str) -> dict[str, Any]:
    if not data.strip():
        raise StateError(f"the state {source} is empty", hint=RESTORE)
    try:
        raw = json.loads(data)
    except json.JSONDecodeError as error:
        if not data.lstrip().startswith(b"{"):
            raise StateError(f"the state {source} is not JSON: {_beginning(data)}", hint=RESTORE) from error
        damage = (
            "is incomplete" if error.pos >= len(error.doc.rstrip()) or "Unterminated" in error.msg else "is damaged"
        )
        raise StateError(
            f"the state {source} {damage} at line {error.lineno}, column {error.colno}: {error.msg}",
            hint=RESTORE,
        ) from error
    except (ValueError, RecursionError) as error:
        raise StateError(f"the state {source} is not JSON: {_beginning(data)}", hint=RESTORE) from error
    if not isinstance(raw, dict):
        raise StateError(f"the state {source} is not a state: it is JSON, but not an object", hint=RESTORE)
    return raw


def _beginning(data: bytes) -> str:
    text = data[:200].decode("utf-8", "replace").strip().partition("\n")[0]
    return f"its text begins with {text[:40]!r}"


def _check_version(version: Any, source: str) -> None:
    if not (isinstance(version, str) and _VERSION.fullmatch(version)):
        raise StateError(
            f"the state {source} is not a state of skaha-apply: its format_version is {repr(version)[:60]}",
            hint="Check --state: the file or address does not contain a state that this version reads.",
        )
    major = version.partition(".")[0]
    if int(major) > int(MAJORS[-1]):
        raise StateError(
            f"a newer skaha-apply wrote the state {source}: format {version}, and this version reads {_READ}",
            hint="Upgrade skaha-apply.",
        )
    if major not in MAJORS:
        raise StateError(
            f"the state {source} has format {version}, and this version of skaha-apply reads {_READ}",
            hint="Check --state: the file or address does not contain a state that this version reads.",
        )


def _expand_specs(specs: dict[str, Any], source: str) -> dict[str, Any]:
    try:
        return expand_specs(specs)
    except DiffersTooMuch as error:
        raise StateError(f"the state {source} is damaged: {error.path}: {error}", hint=RESTORE) from error


def _validate(raw: dict[str, Any], source: str) -> StateDocument:
    from skaha_apply.state.values.checked import WrongValue, read_checked  # noqa: PLC0415 - pydantic, for few texts

    try:
        return read_checked(raw)
    except WrongValue as error:
        raise StateError(f"the state {source} is damaged: {error.path}: {error}", hint=RESTORE) from error
    except OverflowError as error:
        raise StateError(f"the state {source} is damaged: a time is out of range", hint=RESTORE) from error
