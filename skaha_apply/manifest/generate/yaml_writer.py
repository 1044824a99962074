"""Writes session specs as the text of a manifest, in the style of all generated manifests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.fields import readers
from skaha_apply.manifest.fields.session_fields import SESSION_FIELDS
from skaha_apply.manifest.variables.interpolation import literal
from skaha_apply.model.durations import format_exact
from skaha_apply.model.spec import field_roles

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.manifest.fields.readers import SessionField
    from skaha_apply.model.spec import SessionSpec

WIDTH = 100  # of a list on one line; a longer one gets a line for each item
INDICATORS = "-?:,[]{}#&*!|>'\"%@`"
ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x00": "\\0"}
REFERENCE = re.compile(r"(?<!\$)\$\{[^}]*\}")
ACTED_ON = re.compile(r'[$"\\]')
MARGIN = " " * 4  # of the keys of a session
ESCAPE_RULE = "server-escape"  # the lint rule that forbids what the server acts on


@dataclass(frozen=True)
class Remarks:
    """Comments: `head` at the top, `sessions` above the session with that name, `within` inside it.

    `matrices`: for a session with that name the axes of its matrix, each with its values or the path of its list. The
    texts of such a session are templates: they are written as they are, with `${axis}`.
    `limit`: the largest number of active sessions of the user, for a manifest with `max_active`.
    `escaped`: texts have the server's own escapes, so a comment on their line must switch the rule off.
    """

    head: Sequence[str] = ()
    sessions: Mapping[str, Sequence[str]] = field(default_factory=dict)
    within: Mapping[str, Sequence[str]] = field(default_factory=dict)
    escaped: bool = False
    limit: int | None = None
    matrices: Mapping[str, Mapping[str, Sequence[str] | str]] = field(default_factory=dict)


def dump(project: str, sessions: Sequence[SessionSpec], remarks: Remarks | None = None) -> str:
    """The text of a manifest that loads as these sessions. `file` of the specs is left out, and so are defaults.

    Texts are in quotes only if YAML requires it, because text is read as written: `0843` stays `0843`.
    """
    remarks = remarks or Remarks()
    lines = [*_comments(remarks.head, ""), "version: 1", f"project: {scalar(project)}"]
    if remarks.limit is not None:
        lines.append(f"max_active: {{account: {remarks.limit}}}")
    if not sessions:
        lines.append("sessions: []")
    else:
        lines.append("sessions:")
        for spec in sessions:
            lines.extend(_session(spec if spec.name in remarks.matrices else _literal(spec), remarks))
    return "\n".join(lines) + "\n"


def _literal(spec: SessionSpec) -> SessionSpec:
    """A spec whose texts are read back as they are, `${` too."""
    texts = (spec.name, spec.image, spec.cmd or "", *spec.args, *spec.env.values())
    if not any("${" in text for text in texts):
        return spec
    return spec.model_copy(
        update={
            "name": literal(spec.name),
            "image": literal(spec.image),
            "cmd": None if spec.cmd is None else literal(spec.cmd),
            "args": tuple(map(literal, spec.args)),
            "env": {name: literal(text) for name, text in spec.env.items()},
        },
    )


def _session(spec: SessionSpec, remarks: Remarks) -> Iterable[str]:
    """The lines of one session: the keys that differ from their defaults, in the order of the table of fields."""
    yield from _comments(remarks.sessions.get(spec.name, ()), "  ")
    marker = "-"
    for key in SESSION_FIELDS:
        if key.name == "matrix" and spec.name in remarks.matrices:
            yield from (f"    {text}" for text in _matrix(remarks.matrices[spec.name]))
        if key.name == "cmd":
            yield from _comments(remarks.within.get(spec.name, ()), MARGIN)
        for text in _key(key, spec, remarks):
            yield f"  {marker} {text}"
            marker = " "


def _matrix(axes: Mapping[str, Sequence[str] | str]) -> Iterable[str]:
    yield "matrix:"
    for name, values in axes.items():
        if isinstance(values, str):
            yield f"  {name}: {{file: {scalar(values, flow=True)}}}"
        else:
            yield from (f"  {text}" for text in _wrapped(name, [literal(value) for value in values]))


def _wrapped(name: str, items: Sequence[str]) -> Iterable[str]:
    """A list in brackets, on as many lines as it requires."""
    texts = [scalar(item, flow=True) for item in items]
    one_line = f"{name}: [{', '.join(texts)}]"
    if len(MARGIN + one_line) <= WIDTH:
        yield one_line
        return
    yield f"{name}: ["
    row = ""
    for text in texts:
        if row and len(MARGIN + row + text) > WIDTH:
            yield f"    {row.rstrip()}"
            row = ""
        row += f"{text}, "
    yield f"    {row.rstrip(', ')}"
    yield "  ]"


def _key(key: SessionField, spec: SessionSpec, remarks: Remarks) -> Iterable[str]:
    """The lines of one key, without the margin of the session; none if the value is the default."""
    role = field_roles(type(spec)).get(key.name)
    if role is None or (value := getattr(spec, key.name)) == role.default:
        return
    if key.name == "needs":
        yield from _needs(spec)
    elif isinstance(value, Mapping):
        yield f"{key.name}:"
        yield from _mapping(value, remarks)
    elif isinstance(value, tuple):
        yield from _list(key.name, [str(item) for item in value], remarks)
    else:
        if key.name == "cmd":
            yield from _allowed([value], remarks, "")
        yield f"{key.name}: {_scalar_value(key, value)}"


def _mapping(texts: Mapping[str, str], remarks: Remarks) -> Iterable[str]:
    for name, text in texts.items():
        yield from _allowed([text], remarks, "  ")
        key = '"<<"' if name == "<<" else scalar(name)
        yield f"  {key}: {scalar(text)}"


def _scalar_value(key: SessionField, value: Any) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, bool):
        return str(value).lower()
    return format_exact(value) if key.read in (readers.duration, readers.rerun) else str(value)


def _needs(spec: SessionSpec) -> Iterable[str]:
    if not spec.require:
        yield from _list("needs", spec.needs, Remarks())
        return
    yield "needs:"
    for name in spec.needs:
        share = spec.require.get(name)
        require = "ended" if share == 0 else "" if share is None else f"{share * 100:.15g}%"
        yield f"  - {{name: {scalar(name, flow=True)}, require: {require}}}" if require else f"  - {scalar(name)}"


def _list(name: str, items: Sequence[str], remarks: Remarks) -> Iterable[str]:
    one_line = f"{name}: [{', '.join(scalar(item, flow=True) for item in items)}]"
    if len(MARGIN + one_line) <= WIDTH and not (remarks.escaped and any(map(_is_acted_on, items))):
        yield one_line
        return
    yield f"{name}:"
    for item in items:
        yield from _allowed([item], remarks, "  ")
        yield f"  - {scalar(item)}"


def _allowed(texts: Iterable[str], remarks: Remarks, margin: str) -> Iterable[str]:
    if remarks.escaped and any(map(_is_acted_on, texts)):
        yield f"{margin}# skaha-apply: ignore[{ESCAPE_RULE}]"


def _is_acted_on(text: str) -> bool:
    return ACTED_ON.search(REFERENCE.sub("", text)) is not None


def _comments(remarks: Iterable[str], margin: str) -> Iterable[str]:
    for remark in remarks:
        shown = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in remark)
        yield f"{margin}# {shown}"


def scalar(text: str, *, flow: bool = False) -> str:
    """A text as a YAML scalar: plain where it can be (`flow`: within brackets), else in quotes.

    A text that the runner of a CI job would execute on a line of its own is written with escapes.
    """
    if not text.isprintable() or "##" in text or text.startswith("::"):
        return _double_quoted(text).replace("##", "\\x23\\x23").replace("::", "\\x3a\\x3a")
    plain = (
        text
        and text == text.strip(" ")
        and ": " not in text
        and " #" not in text
        and not text.endswith(":")
        and not text.startswith(("---", "..."))
        and (text[0] not in INDICATORS or (text[0] in "-?:" and len(text) > 1 and text[1] not in " ,[]{}"))
        and not (flow and any(char in ",[]{}" for char in text))
        and not (flow and text[0] in "?:")
    )
    if plain:
        return text
    return f"'{text.replace(chr(39), chr(39) * 2)}'" if '"' in text or "\\" in text else f'"{text}"'


def _double_quoted(text: str) -> str:
    return (
        '"'
        + "".join(ESCAPES.get(char) or (char if char.isprintable() else f"\\U{ord(char):08x}") for char in text)
        + '"'
    )
