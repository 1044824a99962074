"""What happens to text on its way through Java and YAML: split, regexp replacement, double-quoted scalars.

The server pastes command, arguments and environment unescaped into a YAML template by `String.replaceAll`; all that is
odd about values follows from these three steps, so they are rebuilt here one by one [PostAction, SessionJobBuilder].
"""

from __future__ import annotations

import re
import sys

PLACEHOLDER = "(headless.image.bundle)"

_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_BREAKS = "\n\r\x85"  # U+0085 too is a line end to the YAML 1.1 reader of kubectl
_SURROGATES = range(0xD800, 0xE000)
_HEX_DIGITS = {"x": 2, "u": 4, "U": 8}
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|\ufeff")
_GROUP_NAME = re.compile(r"\{([a-zA-Z][a-zA-Z0-9]*)(.?)", re.DOTALL)
_NOT_TEXT = re.compile(
    r"(?i:~|null|true|false|yes|no|on|off|y|n)|[-+]?(\.?[0-9][0-9_.]*([eE][-+]?[0-9]+)?|0x[0-9a-fA-F]+|\.inf|\.nan)"
)


class IllegalReplacement(ValueError):
    """Java's IllegalArgumentException from a replacement string."""


class NoSuchGroup(LookupError):
    """Java's IndexOutOfBoundsException from a replacement string."""


class BrokenYaml(ValueError):
    """The text is not the YAML that Kubernetes would take."""


def split(text: str, separator: str) -> list[str]:
    """Split as Java's `String.split`: trailing empty parts are lost; an empty text is one empty part."""
    if not text:
        return [""]
    parts = text.split(separator)
    while parts and not parts[-1]:
        parts.pop()
    return parts


def replacement(text: str, matched: str = PLACEHOLDER) -> str:
    r"""Read `text` as the replacement of a regexp without groups, as Java's `Matcher.appendReplacement` does.

    `\x` becomes `x`, `$0` becomes `matched`; raises IllegalReplacement or NoSuchGroup with Java's message.
    """
    out: list[str] = []
    at = 0
    while at < len(text):
        char = text[at]
        at += 1
        if char == "\\":
            if at == len(text):
                raise IllegalReplacement("character to be escaped is missing")
            out.append(text[at])
            at += 1
        elif char == "$":
            _refuse_group(text, at)
            out.append(matched)
            at += 1
        else:
            out.append(char)
    return "".join(out)


def _refuse_group(text: str, at: int) -> None:
    """Raise unless the group reference at `at` (after the `$`) is 0, the only group there is."""
    if at == len(text):
        raise IllegalReplacement("Illegal group reference: group index is missing")
    char = text[at]
    if char == "{":
        named = _GROUP_NAME.match(text, at)
        if named is None:
            raise IllegalReplacement("named capturing group is missing trailing '}'")
        if named[2] != "}":
            raise IllegalReplacement("named capturing group is missing trailing '}'")
        raise IllegalReplacement(f"No group with name {{{named[1]}}}")
    if char not in "0123456789":
        raise IllegalReplacement("Illegal group reference")
    if char != "0":
        raise NoSuchGroup(f"No group {char}")


def check_printable(text: str) -> None:
    """Raise BrokenYaml when `text` holds a character that YAML does not allow."""
    if _UNPRINTABLE.search(text):
        raise BrokenYaml("yaml: control characters are not allowed")


def double_quoted(text: str, at: int) -> tuple[str, int]:
    """Read the double-quoted scalar whose opening quote is at `at`; give its value and the position after it."""
    out: list[str] = []
    at += 1
    while True:
        if at >= len(text):
            raise BrokenYaml("yaml: found unexpected end of stream")
        char = text[at]
        if char == '"':
            return "".join(out), at + 1
        if char == "\\":
            value, at = _escape(text, at + 1)
            out.append(value)
        elif char in _BREAKS:
            while out and out[-1] in (" ", "\t"):
                out.pop()
            value, at = _fold(text, at)
            out.append(value)
        else:
            out.append(char)
            at += 1


def _escape(text: str, at: int) -> tuple[str, int]:
    char = text[at : at + 1]
    if char in _HEX_DIGITS:
        digits = text[at + 1 : at + 1 + _HEX_DIGITS[char]]
        if not re.fullmatch(rf"[0-9a-fA-F]{{{_HEX_DIGITS[char]}}}", digits):
            raise BrokenYaml("yaml: did not find expected hexdecimal number")
        code = int(digits, 16)
        if code in _SURROGATES or code > sys.maxunicode:
            raise BrokenYaml("yaml: invalid Unicode character")
        return chr(code), at + 1 + len(digits)
    if char not in _ESCAPES:
        raise BrokenYaml("yaml: found unknown escape character")
    return _ESCAPES[char], at + 1


def _fold(text: str, at: int) -> tuple[str, int]:
    """Fold the line breaks at `at`: one becomes a space, more become one less; blanks around them vanish."""
    breaks = 0
    while at < len(text) and text[at] in f" \t{_BREAKS}":
        if text.startswith("\r\n", at):
            at += 1
        if text[at] in _BREAKS:
            breaks += 1
            if text.startswith(("---", "..."), at + 1) and text[at + 4 : at + 5] in ("", " ", "\t", "\n", "\r"):
                raise BrokenYaml("yaml: found unexpected document separator")
        at += 1
    return (" " if breaks == 1 else "\n" * (breaks - 1)), at


def quoted_value(text: str) -> str:
    """Read one double-quoted scalar that stands alone; a comment may follow it, even without a space between."""
    value, at = double_quoted(text, 0)
    rest = text[at:].lstrip(" \t")
    if rest and not (rest.startswith("#") and "\n" not in rest):
        raise BrokenYaml("yaml: did not find expected key")
    return value


def flow_list(text: str) -> list[str]:
    """Read a YAML flow sequence of strings, `["a","b"]`, in full; anything else in it raises BrokenYaml."""
    items: list[str] = []
    at, wanted = 1, True
    while at < len(text):
        char = text[at]
        if char in " \t\n\r":
            at += 1
        elif char == "]":
            if text[at + 1 :].strip():
                raise BrokenYaml("yaml: did not find expected key")
            return items
        elif char == "," and not wanted:
            at, wanted = at + 1, True
        elif wanted:
            item, at = double_quoted(text, at) if char == '"' else _plain(text, at)
            items.append(item)
            wanted = False
        elif char == "#" and "\n" in text[at:]:
            at = text.index("\n", at)
        else:
            raise BrokenYaml("yaml: did not find expected ',' or ']'")
    raise BrokenYaml("yaml: did not find expected ',' or ']'")


def _plain(text: str, at: int) -> tuple[str, int]:
    """Read an unquoted string of a flow sequence; Kubernetes takes no numbers and the like here."""
    found = re.compile(r"[^\s,\[\]{}\"'#&*!|>%@`:?-](?:[^,\[\]{}:#\n]|:(?=[^\s,\[\]{}])|(?<=\S)#)*").match(text, at)
    if found is None or _NOT_TEXT.fullmatch(found[0].strip()) or text[found.end() : found.end() + 1] not in ",]":
        raise BrokenYaml("yaml: did not find expected node content")
    return found[0].rstrip(), found.end()
