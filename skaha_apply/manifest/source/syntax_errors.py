"""Explains the syntax errors of the YAML parser: what usually causes each, and what to write instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skaha_apply.manifest.source.nodes import NotYaml

ADVICE: tuple[tuple[str, str], ...] = (
    (
        "mapping values are not allowed",
        "Write quotes around a text that contains a colon and a space, or ends with a colon.",
    ),
    ("could not find expected ':'", "Write a colon and a space after a key: key: value."),
    ("found unexpected end of stream", "Close the quote or bracket that opens above."),
    ("found unexpected document indicator", "Close the quote that opens above."),
    ("expected ',' or ']'", "Write commas between the items of a list in brackets, and its closing bracket."),
    ("expected ',' or '}'", "Write commas between the keys of a mapping in braces, and its closing brace."),
    ("expected <block end>", "Indent all keys of one mapping, and all dashes of one list, equally."),
    ("block sequence entries are not allowed", "Begin a list on a new line below its key."),
    ("unknown escape character", "In double quotes a backslash begins an escape; use single quotes."),
    ("cannot start any token", "Write quotes around a text that begins with @, ` or %."),
    (
        "found undefined alias",
        "A value that begins with a star is an alias. Write quotes around a text that begins with a star.",
    ),
)


def advice(error: NotYaml, text: str) -> tuple[str, str]:
    """Summary and detail of the diagnostic for a syntax error."""
    if error.parsed:
        return error.problem, error.detail
    lines = re.split(r"\r\n|\r|\n", text)
    for number in (error.line, error.line - 1):
        line = lines[number - 1] if 0 < number <= len(lines) else ""
        if "\t" in line[: len(line) - len(line.lstrip())]:
            where = "here" if number == error.line else "in the line above"
            return f"a tab {where}, where YAML requires spaces", "Indent with spaces only."
    if _before(lines, error).endswith("${"):
        return (
            f"broken YAML: {error.problem}",
            'In brackets and braces, write quotes around a text with ${...}: ["${name}"].',
        )
    detail = next((hint for words, hint in ADVICE if words in error.problem), "")
    return f"broken YAML: {error.problem}", error.detail or detail


def _before(lines: list[str], error: NotYaml) -> str:
    """The line of an error up to the character that the parser stopped at."""
    return lines[error.line - 1][: error.column] if 0 < error.line <= len(lines) else ""
