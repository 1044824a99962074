"""Text that remembers which parts are values of a loop, so that a loop can become a matrix.

A value of a loop stands between private characters, together with the name of its axis. Joining and quoting need no
special code: the marks travel with the text. A part that a script does not state is one character, `UNKNOWN`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

OPEN, MIDDLE, CLOSE, UNKNOWN = "\ue000", "\ue001", "\ue002", "\ue003"
MARK = re.compile(f"{OPEN}([^{MIDDLE}]*){MIDDLE}([^{CLOSE}]*){CLOSE}")
PRIVATE = re.compile(f"[{OPEN}-{UNKNOWN}]")


def mark(axis: str, value: str) -> str:
    """A value of the loop `axis`, as text with marks."""
    return f"{OPEN}{axis}{MIDDLE}{plain(value)}{CLOSE}"


def plain(text: str) -> str:
    """The text without marks."""
    return MARK.sub(lambda match: match[2], text) if OPEN in text else text


def template(text: str, name_of: Callable[[str], str]) -> str:
    """The text with `name_of(axis)` in place of each value of a loop."""
    return MARK.sub(lambda match: name_of(match[1]), text) if OPEN in text else text


def marks(text: str) -> dict[str, str]:
    """The values of loops in a text, by axis."""
    return dict(MARK.findall(text)) if OPEN in text else {}


def map_parts(text: str, step: str, change: Callable[[str], str]) -> str:
    """A change that treats each character by itself, applied to the values of loops and to what is between them."""
    parts, at = [], 0
    for match in MARK.finditer(text):
        parts += [change(text[at : match.start()]), mark(f"{match[1]}~{step}", change(match[2]))]
        at = match.end()
    return "".join([*parts, change(text[at:])])


def is_known(text: str) -> bool:
    """Whether the script states every part of the text."""
    return UNKNOWN not in text


def is_open(text: str) -> bool:
    """Whether a part is unknown that is not the value of a loop."""
    return UNKNOWN in text and UNKNOWN in MARK.sub("", text)


def without_private(text: str) -> str:
    """A text from a file, without the characters that have a meaning here."""
    return PRIVATE.sub("", text)


def shown(text: str) -> str:
    """The text for a message: `...` for an unknown part."""
    return plain(text).replace(UNKNOWN, "...")
