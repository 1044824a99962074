"""What Java does to text: `String.split`, and the replacement string of a regular expression.

Source: [PostAction.getHeadlessImageBundle, SessionJobBuilder].
"""

from __future__ import annotations

import re

_GROUP_NAME = re.compile(r"\{([a-zA-Z][a-zA-Z0-9]*)(.?)", re.DOTALL)


class IllegalReplacement(ValueError):
    """Java's IllegalArgumentException from a replacement string."""


class NoSuchGroup(LookupError):
    """Java's IndexOutOfBoundsException from a replacement string."""


def split(text: str, separator: str) -> list[str]:
    """Split as Java's `String.split` does: empty parts at the end are lost; an empty text is one empty part."""
    if not text:
        return [""]
    parts = text.split(separator)
    while parts and not parts[-1]:
        parts.pop()
    return parts


def replacement(text: str, matched: str) -> str:
    r"""Read `text` as Java's `Matcher.appendReplacement` reads the replacement of an expression without groups.

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
    """Raise unless the group reference at `at` (after the `$`) is 0, the only group."""
    if at == len(text):
        raise IllegalReplacement("Illegal group reference: group index is missing")
    char = text[at]
    if char == "{":
        named = _GROUP_NAME.match(text, at)
        if named is None or named[2] != "}":
            raise IllegalReplacement("named capturing group is missing trailing '}'")
        raise IllegalReplacement(f"No group with name {{{named[1]}}}")
    if char not in "0123456789":
        raise IllegalReplacement("Illegal group reference")
    if char != "0":
        raise NoSuchGroup(f"No group {char}")
