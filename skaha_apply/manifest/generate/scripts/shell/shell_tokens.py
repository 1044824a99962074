"""Splits a bash script into words and operators; a word keeps its quotes, and expansions stay unread."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

OPERATORS = (
    *("&>>", "<<<", "<<-", ";;&", "&&", "||", ";;", ";&", "|&", "<<", ">>", "&>", ">&", "<&", "<>", ">|"),
    *(";", "&", "|", "<", ">", "(", ")"),
)
ENDS = " \t\r\n;&|<>()"
ARRAY = re.compile(r"[A-Za-z_]\w*\+?=\Z")
BLANK = re.compile(r"(?:[ \t\r]|\\\n)+|#[^\n]*|[0-9]+(?=[<>])")
PAIRS = {"(": ")", "{": "}"}


@dataclass(frozen=True)
class ShellToken:
    """A word, an operator, the end of a line, or the text of a heredoc or of `(( ))`; `line` counts from 1."""

    kind: str  # word | operator | newline | arithmetic | heredoc | end
    text: str
    line: int


class ScriptSyntaxError(UsageError):
    """A script that this reader cannot read."""


def tokens(source: str) -> Iterator[ShellToken]:
    """The tokens of a script.

    Raises `ScriptSyntaxError` for a quote or bracket that has no end.
    """
    at, line = 0, 1
    heredocs: list[tuple[str, bool]] = []
    while at < len(source):
        end, kind = _next(source, at, line)
        text = source[at:end]
        if kind:
            if kind == "arithmetic":
                text = text[2:-2]
            yield ShellToken(kind, text, line)
        if kind == "operator" and text in ("<<", "<<-"):
            start = re.compile(r"[ \t]*").match(source, end).end()  # type: ignore[union-attr]  # it always matches
            stop = _word_end(source, start, line)
            heredocs.append((source[start:stop], text == "<<-"))
            end = stop
        line += source.count("\n", at, end)
        at = end
        if kind == "newline":
            for word, tabs in heredocs:
                body, at = _heredoc(source, at, word, tabs=tabs)
                yield ShellToken("heredoc", body, line)
                line += body.count("\n") + 1
            heredocs = []
    yield ShellToken("end", "", line)


def _next(source: str, at: int, line: int) -> tuple[int, str]:
    """Where the token at a place ends, and its kind; "" for blanks and comments."""
    if source[at] == "\n":
        return at + 1, "newline"
    if blank := BLANK.match(source, at):
        return blank.end(), ""
    if source.startswith("((", at) and (behind := _arithmetic_end(source, at)):
        return behind, "arithmetic"
    if source.startswith(("<(", ">("), at):
        return skip_bracket(source, at + 1, line), "word"
    for operator in OPERATORS:
        if source.startswith(operator, at):
            return at + len(operator), "operator"
    return _word_end(source, at, line), "word"


def _arithmetic_end(source: str, at: int) -> int | None:
    depth = 0
    for index in range(at, min(len(source), at + 1000)):
        depth += (source[index] == "(") - (source[index] == ")")
        if depth == 0:
            return index + 1 if source[index - 1] == ")" else None
    return None


def _word_end(source: str, at: int, line: int) -> int:
    start = at
    while at < len(source) and source[at] not in ENDS:
        at = skip_piece(source, at, line)
        if at < len(source) and source[at] == "(" and ARRAY.match(source[start:at]):
            at = skip_bracket(source, at, line)
    return at


def skip_piece(source: str, at: int, line: int = 0) -> int:
    """The place behind one character, one quoted text or one expansion."""
    char = source[at]
    if char == "\\":
        return at + 2
    if char in "'`":
        return _closing(source, at + 1, char, line) + 1
    if char == '"':
        return _double_quote_end(source, at, line)
    if char == "$" and source[at + 1 : at + 2] in PAIRS:
        return skip_bracket(source, at + 1, line)
    if source.startswith("$'", at):
        end = at + 2
        while end < len(source) and source[end] != "'":
            end += 2 if source[end] == "\\" else 1
        return end + 1
    return at + 1


def _closing(source: str, at: int, char: str, line: int) -> int:
    end = source.find(char, at)
    if end < 0:
        raise ScriptSyntaxError(f"line {line}: the quote {char} has no end")
    return end


def _double_quote_end(source: str, at: int, line: int) -> int:
    at += 1
    while at < len(source) and source[at] != '"':
        at = at + 1 if source[at] == "'" else skip_piece(source, at, line)
    if at >= len(source):
        raise ScriptSyntaxError(f'line {line}: the quote " has no end')
    return at + 1


def skip_bracket(source: str, at: int, line: int = 0) -> int:
    """The place behind the bracket that closes the one at this place."""
    opening = source[at]
    closing = PAIRS[opening]
    depth = 0
    while at < len(source):
        char = source[at]
        if char == "#" and opening == "(" and source[at - 1] in " \t\n;":
            at = source.find("\n", at) if "\n" in source[at:] else len(source)
            continue
        depth += (char == opening) - (char == closing)
        if depth == 0:
            return at + 1
        at = at + 1 if char in (opening, closing) else skip_piece(source, at, line)
    raise ScriptSyntaxError(f"line {line}: the bracket {opening} has no end")


def _heredoc(source: str, at: int, word: str, *, tabs: bool) -> tuple[str, int]:
    end = word.strip("'\"\\")
    rows = []
    while at < len(source):
        stop = source.find("\n", at)
        stop = len(source) if stop < 0 else stop
        row = source[at:stop].lstrip("\t") if tabs else source[at:stop]
        at = min(stop + 1, len(source))
        if row == end:
            break
        rows.append(row)
    body = "\n".join([*rows, ""]) if rows else ""
    return body, at
