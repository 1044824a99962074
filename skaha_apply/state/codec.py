"""The state document as text, and what makes a text trusted.

One replica a line, defaults left out, specs of one family as what tells them apart: 20,000 replicas stay a few MB, and
two versions of a state can be compared by `diff`. Nothing here reads or writes a file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from skaha_apply.model.errors import StateError
from skaha_apply.model.spec import Frozen
from skaha_apply.model.state import STATE_FORMAT, Intent, ReplicaRecord, StateDocument, UnconfirmedCreate
from skaha_apply.state.digest import KEY as DIGEST
from skaha_apply.state.digest import differences, document_text, is_intact
from skaha_apply.state.spec_compression import LIKE, DiffersTooMuch, difference, models, written_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from skaha_apply.model.spec import SessionSpec

MAJOR = STATE_FORMAT.partition(".")[0]
# Written also when they are the default: a reader needs them before it can trust the rest.
ALWAYS = ("format_version", "serial", "lineage", "project", "server")

_RESTORE = (
    "Restore the file from a backup. Remove it only if every session of the project may run again: "
    "it is the only memory of finished work."
)

_CHANGED = (
    'Restore the file from a backup. If you edited it by hand, remove its line "digest" and raise "serial" by one; '
    "the next write adds the digest again."
)


class Lines:
    """The lines of the entries that were encoded last, by identity: most of a state is the same at its next write."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Frozen, Frozen | None, str]] = {}
        self._used: dict[int, tuple[Frozen, Frozen | None, str]] = {}

    def line(self, entry: Frozen) -> str:
        """The entry as one line of JSON, without its defaults."""
        known = self._known.get(id(entry))
        if known is None or known[1] is not None:
            known = (entry, None, entry.model_dump_json(exclude_defaults=True))
        self._used[id(entry)] = known
        return known[2]

    def like(self, spec: SessionSpec, key: str, model: SessionSpec) -> str:
        """The spec as one line that says what tells it from a model, whose key is given."""
        known = self._known.get(id(spec))
        if known is None or known[1] is not model:
            told = {LIKE: key, **difference(spec, model)}
            known = (spec, model, json.dumps(told, ensure_ascii=False, separators=(",", ":")))
        self._used[id(spec)] = known
        return known[2]

    def forget_unused(self) -> None:
        """Drop what the encoding that now ended did not use."""
        self._known, self._used = self._used, {}


def encode(document: StateDocument, lines: Lines | None = None, version: str = STATE_FORMAT) -> bytes:
    """The document as UTF-8 JSON, in the format of this version whichever one it was read in.

    `lines` makes repeated writes of one state cheap. Raises `StateError` for a document that `decode` would not trust:
    it must never replace one that it would.
    """
    _check_whole(document, "the new state")
    lines = lines or Lines()
    members = {}
    for name in StateDocument.model_fields:
        value = version if name == "format_version" else getattr(document, name)
        if name in ALWAYS or value != StateDocument.model_fields[name].get_default(call_default_factory=True):
            members[name] = _text(document, name, value, lines)
    lines.forget_unused()
    return document_text(members)


def decode(data: bytes, source: str) -> StateDocument:
    """The document that `data` holds; `source` is its path or address, for messages.

    Unknown keys are ignored, so that a later minor version can be read; they are gone with the next write. Raises
    `StateError` when it is cut, no JSON, of a later major version, of another shape, or contradicts itself.
    """
    raw = _parse(data, source)
    _check_version(raw.get("format_version"), source)
    if isinstance(raw.get("specs"), dict):
        raw["specs"] = _written_out(raw["specs"], source)
    stated = raw.pop(DIGEST, None)
    document = _validate(raw, source)
    _check_whole(document, f"the state {source}")
    return document if stated is None or is_intact(data) else _with_digest(document, stated, source)


def _with_digest(document: StateDocument, stated: Any, source: str) -> StateDocument:
    """The document whose digest was stated, read from a text of another layout; raises `StateError` for another one.

    What was read is written and read again: a text can hold more than is written, parts of a millisecond for example.
    """
    try:
        written = encode(document, version=document.format_version)
        found = differences(stated, written)
    except (ValueError, OverflowError):
        found = (DIGEST,)
    if found:
        raise StateError(f"the state {source} was changed since it was written: in {', '.join(found)}", hint=_CHANGED)
    return decode(written, source)


def check_binding(document: StateDocument, project: str, server: str, account: str | None = None) -> None:
    """Refuse a state of another project, server (host and path) or account (`userid` as listed; None is not compared).

    Raises `StateError` that names both.
    """
    if document.project != project:
        raise StateError(
            f"the state belongs to project {document.project!r}, the manifest says {project!r}",
            hint=f"A project that was renamed takes its state along by "
            f"`skaha-apply state mv {document.project} {project}`; otherwise give this one a state of its own.",
        )
    if document.server != server:
        raise StateError(
            f"the state belongs to server {document.server}, this run uses {server}",
            hint="Choose the server with --server; for one that moved to another address, `skaha-apply state rebind`.",
        )
    if account is not None and document.account is not None and document.account != account:
        raise StateError(
            f"the state belongs to account {document.account!r}, the credential is that of {account!r}",
            hint=f"Use a credential of {document.account}, or a state of your own (--state).",
        )


def _text(document: StateDocument, name: str, value: Any, lines: Lines) -> str:
    if isinstance(value, tuple) and value and isinstance(value[0], Frozen):
        return "[\n" + ",\n".join(lines.line(entry) for entry in value) + "\n]"
    if name == "specs":
        return "{\n" + ",\n".join(_specs(document.specs, lines)) + "\n}"
    if name == "format_version":
        return json.dumps(value)
    return json.dumps(document.model_dump(mode="json", include={name})[name], ensure_ascii=False)


def _specs(specs: dict[str, SessionSpec], lines: Lines) -> Iterator[str]:
    like = models(specs)
    for key, spec in specs.items():
        model = like.get(key)
        line = lines.line(spec) if model is None else lines.like(spec, model, specs[model])
        yield f"{json.dumps(key)}: {line}"


def _parse(data: bytes, source: str) -> dict[str, Any]:
    if not data.strip():
        raise StateError(f"the state {source} is empty", hint=_RESTORE)
    try:
        raw = json.loads(data)
    except json.JSONDecodeError as error:
        if not data.lstrip().startswith(b"{"):
            raise StateError(f"the state {source} is not JSON: {_start(data)}", hint=_RESTORE) from error
        cut = "is cut off" if error.pos >= len(error.doc.rstrip()) or "Unterminated" in error.msg else "is damaged"
        raise StateError(
            f"the state {source} {cut} at line {error.lineno}, column {error.colno}: {error.msg}",
            hint=_RESTORE,
        ) from error
    except (ValueError, RecursionError) as error:
        raise StateError(f"the state {source} is not JSON: {_start(data)}", hint=_RESTORE) from error
    if not isinstance(raw, dict):
        raise StateError(f"the state {source} is not a state: JSON, but no object", hint=_RESTORE)
    return raw


def _start(data: bytes) -> str:
    text = data[:200].decode("utf-8", "replace").strip().partition("\n")[0]
    return f"it begins with {text[:40]!r}"


def _check_version(version: Any, source: str) -> None:
    major, _, minor = version.partition(".") if isinstance(version, str) else ("", "", "")
    if not (major.isascii() and major.isdigit() and minor.isascii() and minor.isdigit()):
        raise StateError(
            f"the state {source} is not a state of skaha-apply: its format_version is {version!r}",
            hint="Check --state: it names a file or address that holds something else.",
        )
    if int(major) > int(MAJOR):
        raise StateError(
            f"the state {source} was written by a newer skaha-apply: format {version}, this one reads {MAJOR}.x",
            hint="Upgrade skaha-apply.",
        )
    if major != MAJOR:
        raise StateError(
            f"the state {source} has format {version}, this skaha-apply reads {MAJOR}.x",
            hint="Check --state: it names a file or address that holds something else.",
        )


def _written_out(specs: dict[str, Any], source: str) -> dict[str, Any]:
    try:
        return written_out(specs)
    except DiffersTooMuch as error:
        raise StateError(f"the state {source} is damaged: {error.path}: {error}", hint=_RESTORE) from error


def _validate(raw: dict[str, Any], source: str) -> StateDocument:
    try:
        try:
            return StateDocument.model_validate(raw)
        except ValidationError as error:
            for finding in error.errors(include_url=False, include_input=False):
                if finding["type"] == "extra_forbidden":
                    _drop(raw, finding["loc"])
            return StateDocument.model_validate(raw)
    except ValidationError as error:
        finding = error.errors(include_url=False, include_input=False)[0]
        raise StateError(
            f"the state {source} is damaged: {_path(finding['loc'])}: {finding['msg']}",
            hint=_RESTORE,
        ) from error
    except OverflowError as error:
        raise StateError(f"the state {source} is damaged: a time is out of range", hint=_RESTORE) from error


def _drop(raw: Any, loc: tuple[int | str, ...]) -> None:
    for step in loc[:-1]:
        raw = raw[step]
    raw.pop(loc[-1], None)


def _path(loc: tuple[int | str, ...]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc).lstrip(".")


def _check_whole(document: StateDocument, what: str) -> None:
    seen = set()
    for record in document.replicas:
        if record.key in seen:
            raise StateError(f"{what} holds {record.session}/{record.replica} twice", hint=_RESTORE)
        seen.add(record.key)
    entries: tuple[ReplicaRecord | Intent | UnconfirmedCreate, ...] = (
        *document.replicas,
        *document.intents,
        *document.doubts,
    )
    for entry in entries:
        if entry.spec not in document.specs:
            raise StateError(
                f"{what} lacks the spec {entry.spec!r} of {entry.session}/{entry.replica}",
                hint=_RESTORE,
            )
