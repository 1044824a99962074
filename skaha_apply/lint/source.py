"""Texts as the manifest has them, with references. Advice must not replace a reference by one of its values."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from skaha_apply.lint.rule import double_quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skaha_apply.model.project import Project

REFERENCE = re.compile(r"\$?\$\{[^}]*\}?")
LINE_BREAK = re.compile(r"\r\n|\r|\n")
SAFE = re.compile(r"[A-Za-z0-9/._+-][A-Za-z0-9/._+=@%-]*")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "/": "/"}
BLOCK = re.compile(r"[>|][-+0-9]* ")
LONGEST = 10_000  # characters of a text that is compared with its source


def written(project: Project, path: str, text: str) -> str:
    """A text as the manifest has it, with references; the text itself if it has none."""
    source = _source(project, path)
    if "${" not in source:
        return text
    return next((one for one in (source, _unquoted(source)) if one is not None and _gives(one, text)), text)


def has_reference(text: str) -> bool:
    """Whether a text of a manifest contains a reference."""
    return any(not found[0].startswith("$$") for found in REFERENCE.finditer(text))


def item(text: str) -> str:
    """A text as an item of a list in brackets, quoted if necessary."""
    return text if SAFE.fullmatch(text) and text not in ("-", "null") else double_quoted(text)


def outside_references(change: str, text: str) -> str:
    """A text of a manifest after one of `CHANGES`; its references are not changed."""
    parts = re.split(f"({REFERENCE.pattern})", text)
    return "".join(part if index % 2 else CHANGES[change](part) for index, part in enumerate(parts))


def _slug(part: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", part.lower())


CHANGES: Mapping[str, Callable[[str], str]] = {"lower": str.lower, "slug": _slug}


def _source(project: Project, path: str) -> str:
    """The characters of the manifest at a path, folded into one line; "" if the path has no location."""
    location = project.locations.get(path)
    if location is None or location.file not in project.texts:
        return ""
    lines = _lines(project.texts[location.file])[location.line - 1 : location.end_line]
    if not lines:
        return ""
    if location.line == location.end_line:
        return lines[0][location.column - 1 : location.end_column - 1]
    folded = [lines[0][location.column - 1 :], *lines[1:-1], lines[-1][: location.end_column - 1]]
    return BLOCK.sub("", " ".join(filter(None, (line.strip() for line in folded))))


@lru_cache(maxsize=8)
def _lines(text: str) -> list[str]:
    return LINE_BREAK.split(text)


def _unquoted(source: str) -> str | None:
    """The text of a quoted YAML scalar on one line; None for one with rare escapes."""
    if source[:1] == source[-1:] == "'":
        return source[1:-1].replace("''", "'")
    if not (source[:1] == source[-1:] == '"'):
        return None
    inner = source[1:-1]
    if any(found[1] not in ESCAPES for found in re.finditer(r"\\(.)", inner)):
        return None
    return re.sub(r"\\(.)", lambda found: ESCAPES[found[1]], inner)


def _gives(source: str, text: str) -> bool:
    """Whether a text of a manifest can become this text: its parts around references occur in it, in order."""
    if len(source) > LONGEST or len(text) > LONGEST:
        return False
    first, *others = REFERENCE.split(source)
    at = len(first)
    for part in others:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return text.startswith(first) and (not others or text.endswith(others[-1]))
