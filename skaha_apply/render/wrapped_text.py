"""Lines wrapped between words at the width of a terminal, which would break them within words.

A command to paste stands alone on its line and is not wrapped, so that it can be copied whole.
"""

from __future__ import annotations

import re

_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_COMMAND = re.compile(r"\s*(?:\x1b\[[0-9;]*m)*skaha-apply ")
_UNIT = re.compile(r"(\s*)((?:`[^`]*`|[^\s`]|`)+)")  # a word; the words of a command in backquotes stay together
_WORD = re.compile(r"(\s*)(\S+)")
_COLUMN = re.compile(r"\s{2,}(?=\S)")
_FIRST_COLUMNS = 16  # a text in a column that starts here at the latest is continued below its column
_INDENT = 2  # columns by which a line without an indent is continued
_SYMBOL = re.compile(r"[^\s\w`'\"(] ")
_NARROWEST = 24  # columns of a text that is continued below its column


def wrapped(text: str, width: int) -> str:
    """The text with lines of at most `width` columns, as far as its words fit; codes for colors take no column."""
    return "\n".join(part for line in text.split("\n") for part in wrapped_lines(line, width))


def wrapped_lines(line: str, width: int, hang: int | None = None) -> list[str]:
    """One line as lines of at most `width` columns; further lines are indented by `hang`, None for what fits."""
    if visible_length(line.rstrip()) <= width or _COMMAND.match(line):
        return [line]
    indent = " " * (_hang(_STYLE.sub("", line), width) if hang is None else hang)
    lines, current, used = [], "", 0
    for space, word in _units(line, width - len(indent)):
        length = visible_length(word)
        if current.strip() and used + len(space) + length > width:
            lines.append(current)
            current, used = indent, len(indent)
        else:
            current, used = current + space, used + len(space)
        current, used = current + word, used + length
    return [*lines, current + line[len(line.rstrip()) :]]


def visible_length(text: str) -> int:
    """The number of columns of a text with codes for colors."""
    return len(_STYLE.sub("", text)) if "\x1b" in text else len(text)


def _units(line: str, room: int) -> list[tuple[str, str]]:
    """The words of a line, each with the space before it; a command in backquotes is one word if it fits."""
    found: list[tuple[str, str]] = []
    for space, unit in _UNIT.findall(line):
        words = _WORD.findall(unit) if visible_length(unit) > room else [("", unit)]
        found += [(space, words[0][1]), *words[1:]]
    return found


def _hang(line: str, width: int) -> int:
    """The column at which further lines of a text begin."""
    lead = len(line) - len(line.lstrip())
    starts = [found.end() for found in _COLUMN.finditer(line) if lead < found.end() <= lead + _FIRST_COLUMNS]
    other = lead if lead and not _SYMBOL.match(line, lead) else lead + _INDENT
    return max((start for start in starts if width - start >= _NARROWEST), default=min(other, width // 2))


def shifted(source: str, carets: str, width: int) -> tuple[str, str]:
    """A line of a file and the carets below it in at most `width` columns, cut so that the first caret is shown."""
    if len(source) <= width:
        return source, carets[:width]
    first = len(carets) - len(carets.lstrip())
    start = 0 if first < width * 3 // 4 else first - width // 2
    shown = source[start : start + width]
    if start:
        shown = "…" + shown[1:]
    if start + width < len(source):
        shown = shown[:-1] + "…"
    return shown, carets[start : start + width]
