"""What a parser means: its words for a syntax error, with what usually causes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skaha_apply.manifest.source.nodes import NotYaml

ADVICE: tuple[tuple[str, str], ...] = (
    ("mapping values are not allowed", "Put a text that has a colon and a space, or ends in a colon, in quotes."),
    ("could not find expected ':'", "A key wants a colon and a space behind it: key: value."),
    ("found unexpected end of stream", "A quote or a bracket that opens above is never closed."),
    ("found unexpected document indicator", "A quote that opens above is never closed."),
    ("expected ',' or ']'", "A list in brackets wants commas, and its closing bracket."),
    ("expected ',' or '}'", "A mapping in braces wants commas, and its closing brace."),
    ("expected <block end>", "Give all keys of one mapping, and all dashes of one list, the same indentation."),
    ("block sequence entries are not allowed", "A list begins on a line of its own, below its key."),
    ("unknown escape character", "In double quotes a backslash begins an escape; use single quotes."),
    ("cannot start any token", "Put a text that begins with @, ` or % in quotes."),
    ("found undefined alias", "A value that begins with a star is an alias; put it in quotes if the star is meant."),
)


def advice(error: NotYaml, text: str) -> tuple[str, str]:
    """Summary and detail for an error of syntax."""
    if error.parsed:
        return error.problem, error.detail
    lines = re.split(r"\r\n|\r|\n", text)
    for number in (error.line, error.line - 1):
        line = lines[number - 1] if 0 < number <= len(lines) else ""
        if "\t" in line[: len(line) - len(line.lstrip())]:
            where = "here" if number == error.line else "in the line above"
            return f"a tab {where}, where YAML wants spaces", "Indent by spaces only."
    if _before(lines, error).endswith("${"):
        return (
            f"broken YAML: {error.problem}",
            'Within brackets and braces put a text with ${...} in quotes: ["${name}"].',
        )
    detail = next((hint for words, hint in ADVICE if words in error.problem), "")
    return f"broken YAML: {error.problem}", error.detail or detail


def _before(lines: list[str], error: NotYaml) -> str:
    """The line of an error up to the character that the parser stopped at."""
    return lines[error.line - 1][: error.column] if 0 < error.line <= len(lines) else ""
