r"""Text from outside made inert: it cannot act on a terminal, and holds no command for the runner of a CI job.

The runner of GitHub Actions reads every line that a step prints. It executes a line that begins with `::NAME` after
blanks, and a line that contains `##[NAME]` anywhere [runner: ActionCommand.TryParseV2, ActionCommand.TryParse]; the
runner of Azure Pipelines executes `##vso[`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMAND = re.compile(r"(?:\A|(?<=[\n\r]))[ \t]*:(:)|##[A-Za-z.]{0,12}(\[)")
_BRACKET = re.compile(r"##([A-Za-z.]{0,12})\[")
_UNUSUAL = re.compile(r"[^\n\x20-\x7e]")
_CONTROL = re.compile(r"[^\n\t\x20-\x7e]")
_STYLED = re.compile(r"\x1b\[[0-9;]*m|[^\n\t\x20-\x7e]")
_KEPT = 16  # characters at the end of an unfinished line that can begin a command
_BASIC_PLANE = 0xFFFF
_STARTS = ("::", "##")


def without_controls(text: str, *, styled: bool = False) -> str:
    r"""`text` with each character that a terminal acts on as its escape (`\x1b`, `\u202e`); line ends and tabs stay.

    With `styled`, sequences that only choose a color stay too.
    """
    return (_STYLED if styled else _CONTROL).sub(_escaped, text)


def inert_json(text: str) -> str:
    r"""A JSON document without characters that act and without commands; a reader gets the same values.

    They are written as JSON escapes. They occur only in the strings of a document.
    """
    text = _UNUSUAL.sub(_json_escaped, text)
    if not any(start in text for start in _STARTS):
        return text
    return _BRACKET.sub(r"\\u0023\\u0023\1[", text.replace("::", "\\u003a\\u003a"))


def inert_xml(text: str) -> str:
    """An XML document without commands; a reader gets the same values."""
    if not any(start in text for start in _STARTS):
        return text
    return _BRACKET.sub(r"##\1&#91;", text.replace("::", ":&#58;"))


def first_command(text: str) -> int:
    """The number of the first line that a runner would execute, 0 without one."""
    found = _COMMAND.search(text)
    return 1 + len(re.findall(r"\r\n|\n|\r", text[: found.end()])) if found else 0


class CommandFilter:
    """Escapes the commands of a CI runner in the pieces of text that are written to one stream."""

    def __init__(self) -> None:
        self._open = ""  # the part of the unfinished line that can begin a command

    def __call__(self, text: str, *, own_commands: bool = False) -> str:
        r"""`text` with `:\x3a` for a `::` at the start of a line, and `##\x5b` for `##[`.

        With `own_commands`, lines that begin with `::` are commands of this tool and stay.
        """
        before = len(self._open)
        whole = self._open + text
        if any(start in whole for start in _STARTS):
            whole = _COMMAND.sub(lambda found: _broken(found, before, own_commands=own_commands), whole)
        current = whole[max(whole.rfind("\n"), whole.rfind("\r")) + 1 :].lstrip(" \t")
        self._open = current if current in ("", ":") else f".{current[-_KEPT:]}"
        return whole[before:]


def _broken(found: re.Match[str], before: int, *, own_commands: bool) -> str:
    last = found.end() - 1
    if last < before or (own_commands and found[1]):
        return found[0]
    return f"{found[0][:-1]}\\x{ord(found[0][-1]):02x}"


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    return char if len(char) > 1 or char.isprintable() else char.encode("unicode_escape").decode("ascii")


def _json_escaped(found: re.Match[str]) -> str:
    char = found[0]
    if char.isprintable():
        return char
    code = ord(char)
    if code <= _BASIC_PLANE:
        return f"\\u{code:04x}"
    return "".join(f"\\u{unit:04x}" for unit in _units(code))


def _units(code: int) -> tuple[int, int]:
    """The two UTF-16 units of a character beyond the basic plane."""
    return 0xD800 + ((code - 0x10000) >> 10), 0xDC00 + (code & 0x3FF)


def is_automated(environ: Mapping[str, str]) -> bool:
    """Whether the process runs in a job of a CI system, which sets `CI`, `GITHUB_ACTIONS` or `TF_BUILD`."""
    names = ("CI", "GITHUB_ACTIONS", "TF_BUILD")
    return any(environ.get(name, "").strip().lower() not in ("", "0", "false", "no", "off") for name in names)
