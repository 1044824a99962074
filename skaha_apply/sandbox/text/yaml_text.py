"""Reads scalars and lists of YAML as SnakeYAML reads them after the server pasted a text into its template.

Source: [SnakeYAML 2.5 ScannerImpl, StreamReader].
"""

from __future__ import annotations

import re
import sys

from skaha_apply.sandbox.text.yaml_words import plain_text

_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_FOLDED_BREAKS = "\n\r\x85"
_BREAKS = _FOLDED_BREAKS + "\u2028\u2029"
_HEX_DIGITS = {"x": 2, "u": 4, "U": 8}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN_START = re.compile(r"[^\s,\[\]{}\"'#&*!|>%@`?:-]|[-?:](?=[^\s,\[\]{}])")
_PLAIN_END = re.compile(r"\s+#|:\s|:$")
_FLOW_PLAIN = re.compile(r"(?:[^,\[\]{}:#\n]|:(?=[^\s,\[\]{}])|(?<=\S)#)*")


class InvalidYaml(ValueError):
    """The text is not valid YAML, or not valid at its place in the template."""


def check_printable(text: str) -> None:
    """Raise InvalidYaml if `text` contains a character that YAML does not allow."""
    if _UNPRINTABLE.search(text):
        raise InvalidYaml("special characters are not allowed")


def quoted_value(text: str) -> str:
    """Read one scalar in double quotes; only a comment can follow it, also without a space between."""
    value, at = _double_quoted(text, 0)
    _check_end(text[at:])
    return value


def scalar(text: str) -> str | None:
    """Read the value of `name: `, where the template has no quotes; None for null; raises InvalidYaml."""
    node = text.strip(" \t\n\r")
    if node.startswith('"'):
        return quoted_value(node)
    if node.startswith("'"):
        value, at = _single_quoted(node, 0)
        _check_end(node[at:])
        return value
    if node.startswith("["):
        items = flow_list(node)
        if len(items) != 1:
            raise InvalidYaml("a list is not a text")
        return items[0]
    end = _PLAIN_END.search(node)
    if end and end[0].startswith(":"):
        raise InvalidYaml("mapping values are not allowed here")
    plain = node[: end.start()] if end else node
    if not plain or plain.startswith("#"):
        return None
    if not _PLAIN_START.match(plain):
        raise InvalidYaml("found character that cannot start any token")
    return plain_text(plain)


def flow_list(text: str) -> list[str]:
    """Read a flow sequence of texts, `["a","b"]`; any other content raises InvalidYaml."""
    items: list[str] = []
    at, item_expected = 1, True
    while at < len(text):
        char = text[at]
        if char in " \t\n\r":
            at += 1
        elif char == "]":
            _check_end(text[at + 1 :])
            return items
        elif char == "," and not item_expected:
            at, item_expected = at + 1, True
        elif item_expected:
            item, at = _item(text, at)
            items.append(item)
            item_expected = False
        elif char == "#" and "\n" in text[at:]:
            at = text.index("\n", at)
        else:
            raise InvalidYaml("expected ',' or ']'")
    raise InvalidYaml("expected ',' or ']'")


def _item(text: str, at: int) -> tuple[str, int]:
    """Read one element of a flow sequence; return it and the position after it."""
    if text[at] == '"':
        return _double_quoted(text, at)
    if text[at] == "'":
        return _single_quoted(text, at)
    if not _PLAIN_START.match(text, at):
        raise InvalidYaml("expected the node content")
    found = _FLOW_PLAIN.match(text, at)
    value = plain_text(found[0].rstrip()) if found else None
    if found is None or value is None or text[found.end() : found.end() + 1] not in ",]":
        raise InvalidYaml("expected the node content")
    return value, found.end()


def _check_end(text: str) -> None:
    """Raise InvalidYaml unless only blanks, or a comment on one line, follow a node."""
    rest = text.strip(" " + _BREAKS)
    if rest and not (rest.startswith("#") and not any(char in rest for char in _BREAKS)):
        raise InvalidYaml("expected the end of the block")


def _single_quoted(text: str, at: int) -> tuple[str, int]:
    found = re.compile(r"'((?:[^'\n]|'')*)'").match(text, at)
    if found is None:
        raise InvalidYaml("found unexpected end of stream")
    return found[1].replace("''", "'"), found.end()


def _double_quoted(text: str, at: int) -> tuple[str, int]:
    """Read the scalar in double quotes that opens at `at`; return its value and the position after it."""
    out: list[str] = []
    at += 1
    while True:
        if at >= len(text):
            raise InvalidYaml("found unexpected end of stream")
        char = text[at]
        if char == '"':
            return _join_surrogates("".join(out)), at + 1
        if char == "\\":
            value, at = _escape(text, at + 1)
            out.append(value)
        elif char in " \t" or char in _BREAKS:
            value, at = _blanks(text, at)
            out.append(value)
        else:
            out.append(char)
            at += 1


def _escape(text: str, at: int) -> tuple[str, int]:
    char = text[at : at + 1]
    if char in _HEX_DIGITS:
        digits = text[at + 1 : at + 1 + _HEX_DIGITS[char]]
        if not re.fullmatch(rf"[0-9a-fA-F]{{{_HEX_DIGITS[char]}}}", digits) or int(digits, 16) > sys.maxunicode:
            raise InvalidYaml("expected escape sequence of hexadecimal numbers")
        return chr(int(digits, 16)), at + 1 + len(digits)
    if char and char in _BREAKS:
        _, at = _line_break(text, at)
        return _line_breaks(text, at)
    if char not in _ESCAPES:
        raise InvalidYaml("found unknown escape character")
    return _ESCAPES[char], at + 1


def _blanks(text: str, at: int) -> tuple[str, int]:
    """Read blanks and line breaks. One break becomes a space, n breaks become n-1; blanks around them are dropped."""
    start = at
    while text[at : at + 1] in (" ", "\t"):
        at += 1
    first, after = _line_break(text, at)
    if not first:
        return text[start:at], at
    more, end = _line_breaks(text, after)
    if first == "\n":
        return more or " ", end
    return first + more, end


def _line_breaks(text: str, at: int) -> tuple[str, int]:
    """Read what follows a line break: other breaks are kept, blanks are dropped."""
    out = ""
    while True:
        if text.startswith(("---", "..."), at) and text[at + 3 : at + 4] in ("", " ", "\t", *_BREAKS):
            raise InvalidYaml("found unexpected document separator")
        while text[at : at + 1] in (" ", "\t"):
            at += 1
        found, at = _line_break(text, at)
        if not found:
            return out, at
        out += found


def _line_break(text: str, at: int) -> tuple[str, int]:
    """Read one line break; U+2028 and U+2029 stay unchanged. Empty if there is no break."""
    if text.startswith("\r\n", at):
        return "\n", at + 2
    char = text[at : at + 1]
    if not char or char not in _BREAKS:
        return "", at
    return ("\n" if char in _FOLDED_BREAKS else char), at + 1


def _join_surrogates(value: str) -> str:
    """Join pairs of surrogates as Java does; raises InvalidYaml for half a pair."""
    try:
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise InvalidYaml("special characters are not allowed") from None
