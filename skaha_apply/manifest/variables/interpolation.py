"""References `${name}` in a text: parsed once, filled in for every combination.

A reference names a value of the matrix, a declared variable or the replica. Nothing else can be read, and the
environment least of all: a manifest from an untrusted pull request must not be able to send your secrets.
"""

from __future__ import annotations

import re
from dataclasses import field
from difflib import get_close_matches
from enum import Enum, auto
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.fields.values import NAME
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.model.names.combination_names import slug
from skaha_apply.model.spec import LATER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.manifest.variables.declared import Variables


REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
DOTTED = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
COUNT = "replica.count"
ID = "replica.id"
LITERAL = "For a literal ${ write $${."
SHOWN = 10  # known names of a kind that a message lists
LONGEST = 100  # characters of an unknown name that are compared with the known ones


class TextPurpose(Enum):
    """The purpose of a text, which decides what it can refer to."""

    NAME = auto()  # values are slugged
    TEXT = auto()  # cmd, args, env: can contain values that are known only when a session is created
    FIELD = auto()  # any other key
    MATRIX = auto()  # variables only


class BadReference(Exception):
    """A reference that is not valid; `detail` states what to write instead."""

    def __init__(self, summary: str, detail: str) -> None:
        super().__init__(summary)
        self.summary = summary
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text with references.

    `pieces` are pairs: a fixed text and "", or "" and the name of a value. `names` are the values that it uses, without
    `slug.`. `later` counts references that stay until a session is created. `wholly`: it consists of references only.
    `only` is the name if it is a single reference. `unknown`: it depends on a variable without a value.
    """

    pieces: tuple[tuple[str, str], ...]
    names: tuple[str, ...] = ()
    later: int = 0
    wholly: bool = False
    only: str = ""
    unknown: bool = False

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with these values in it."""
        return "".join([values[name] if name else text for text, name in self.pieces])

    def misread(self, filled: str) -> bool:
        """Whether a filled text contains a reference by accident, which would be filled in later."""
        return "${" in filled and len(LATER.findall(filled)) != self.later


class CombinationValues(dict[str, str]):
    """The values of one combination by name; `slug.name` is computed on first use."""

    def __missing__(self, name: str) -> str:
        if not name.startswith("slug."):
            raise KeyError(name)
        value = slug(self[name.removeprefix("slug.")])
        self[name] = value
        return value


@dataclass(frozen=True)
class Scope:
    """What the texts of one session can refer to.

    `names` are its axes or columns. `unknown`: these depend on a variable without a value, so any name can be one.
    """

    variables: Variables
    names: tuple[str, ...] = ()
    unknown: bool = False


@dataclass
class _TemplateDraft:
    pieces: list[tuple[str, str]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    later: int = 0
    unknown: bool = False


def template(text: str, scope: Scope, purpose: TextPurpose) -> Template:
    """Parse a text and resolve the references that are the same in every combination.

    Raises `BadReference` for the first invalid one.
    """
    draft = _TemplateDraft()
    literal = ""
    at = 0
    for found in REFERENCE.finditer(text):
        between = text[at : found.start()]
        at = found.end()
        if found[1] is None:
            between += "${"
        literal += between
        if between:
            draft.pieces.append((between, ""))
        if found[1] is not None:
            _refer(_name(found), scope, purpose, draft)
    if text[at:]:
        draft.pieces.append((text[at:], ""))
    alone = not literal and not text[at:]
    only = draft.names[0] if alone and len(draft.pieces) == 1 and draft.pieces[0][1] else ""
    return Template(tuple(draft.pieces), tuple(draft.names), draft.later, alone, only, draft.unknown)


def literal(text: str) -> str:
    """The text escaped, so that it contains no reference."""
    return text.replace("${", "$${")


def _name(found: re.Match[str]) -> str:
    inner, written = found[1], found[0]
    if not found[2]:
        name = (re.match(r"[A-Za-z0-9_.-]+", inner) or [""])[0]
        shown = f"${{{name or 'name'}}}"
        raise BadReference(f"{quoted(written)} is not closed", f"Write {shown}. {LITERAL}")
    if not inner.strip():
        raise BadReference(f"{quoted(written)} names nothing", f"Write ${{name}}. {LITERAL}")
    if inner != inner.strip() and DOTTED.match(inner.strip()):
        raise BadReference(f"{quoted(written)} has spaces", f"Write ${{{inner.strip()}}}.")
    if not DOTTED.match(inner):
        detail = f"A reference is only a name: ${{tile}}, ${{var.night}}, ${{replica.id}}. {LITERAL}"
        raise BadReference(f"{quoted(written)} is not a reference", detail)
    return inner


def _refer(name: str, scope: Scope, purpose: TextPurpose, draft: _TemplateDraft) -> None:
    head, dot, rest = name.partition(".")
    if head == "slug" and dot:
        _slugged(name, rest, scope, purpose, draft)
    elif head == "var" and dot:
        _variable(name, rest, scope, purpose, draft)
    elif name == ID:
        if purpose is not TextPurpose.TEXT:
            detail = "It is known only when a session is created, so use it in cmd, args and values of env only."
            raise BadReference(f"`${{{name}}}` cannot be used here", detail)
        draft.pieces.append((f"${{{name}}}", ""))
        draft.later += 1
    elif name == COUNT and purpose is not TextPurpose.MATRIX:
        draft.pieces.append(("", name))
        draft.names.append(name)
    else:
        _value(name, scope, purpose, draft)


def _slugged(name: str, rest: str, scope: Scope, purpose: TextPurpose, draft: _TemplateDraft) -> None:
    if rest.startswith("var."):
        part = _TemplateDraft()
        _variable(name, rest.removeprefix("var."), scope, TextPurpose.NAME, part)
        draft.pieces.extend(part.pieces)
        draft.unknown |= part.unknown
        return
    _value(rest, scope, purpose, draft, slugged=True)


def _value(name: str, scope: Scope, purpose: TextPurpose, draft: _TemplateDraft, *, slugged: bool = False) -> None:
    written = f"slug.{name}" if slugged else name
    if purpose is TextPurpose.MATRIX:
        detail = f"Only variables, ${{var.name}}, are known before the combinations. {LITERAL}"
        raise BadReference(f"`${{{written}}}` cannot be used in a matrix", detail)
    if name not in scope.names:
        if scope.unknown and NAME.match(name):
            draft.pieces.append((slug(name), ""))
            draft.unknown = True
            return
        raise BadReference(*_unknown(written, scope, purpose))
    draft.pieces.append(("", f"slug.{name}" if slugged or purpose is TextPurpose.NAME else name))
    draft.names.append(name)
    draft.unknown |= scope.unknown


def _variable(written: str, name: str, scope: Scope, purpose: TextPurpose, draft: _TemplateDraft) -> None:
    declared = scope.variables.declared.get(name)
    if declared is None:
        raise BadReference(f"no variable {quoted(name)} is declared", scope.variables.suggestion(name))
    if declared.sensitive:
        if purpose is not TextPurpose.TEXT:
            detail = "Its value is never stored, so use it in cmd, args and values of env only."
            raise BadReference(f"`${{{written}}}` is sensitive and cannot be used here", detail)
        scope.variables.value(declared)
        draft.pieces.append((f"${{var.{name}}}", ""))
        draft.later += 1
        return
    value = scope.variables.value(declared)
    if value is None:
        draft.unknown = True
        value = name
    draft.pieces.append((slug(value) if purpose is TextPurpose.NAME else value, ""))


def _unknown(name: str, scope: Scope, purpose: TextPurpose) -> tuple[str, str]:
    known = {each: f"${{{each}}}" for each in (*scope.names, ID, COUNT)}
    known.update((f"var.{each}", f"${{var.{each}}}") for each in scope.variables.declared)
    known.update((f"slug.{each}", f"${{slug.{each}}}") for each in scope.names)
    summary = f"`${{{name}}}` is not known" if len(name) < LONGEST else f"{quoted(name)} is not known"
    if name in scope.variables.declared:
        return summary, f"Did you mean ${{var.{name}}}?"
    folded = {each.lower(): shown for each, shown in known.items()}
    near = get_close_matches(name.lower()[:LONGEST], folded, n=1, cutoff=0.6)
    if near:
        return summary, f"Did you mean {folded[near[0]]}? {LITERAL}"
    replica = (ID, COUNT) if purpose is TextPurpose.TEXT else (COUNT,)
    some = (*scope.names[:SHOWN], *replica, *(f"var.{each}" for each in [*scope.variables.declared][:SHOWN]))
    shown = ", ".join(f"${{{each}}}" for each in some)
    return summary, f"References here can be {shown}. Variables of the environment cannot be read. {LITERAL}"
