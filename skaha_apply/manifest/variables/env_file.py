"""Values of variables in the form of `.env` files: `NAME=VALUE` on each line, with quotes, `export` and comments.

Any value may be a secret, so no message repeats a value. docs/decisions/0016-env-files.md: why an own reader.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.manifest.fields.values import NAME
from skaha_apply.manifest.source.file_diagnostics import quoted
from skaha_apply.model.diagnostics import Diagnostic, Location, Severity
from skaha_apply.model.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX = "SKAHA_VAR_"  # of variables in the environment; a file for a shell has it too
_START = re.compile(r"[ \t]*(?:export[ \t]+)?([^=\s#'\"]+)[ \t]*=[ \t]*")
_BLANK = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_PLAIN = re.compile(r"[^\n]*")
_COMMENT = re.compile(r"(?:^|[ \t]+)#.*")
_QUOTED = re.compile(r"'([^']*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_MEANT = {"n": "\n", "r": "\r", "t": "\t", "\n": ""}
_FORM = "Write NAME=VALUE. A value in quotes can contain spaces, # and line ends."


def is_env_file(path: str) -> bool:
    """Whether the name of a file is that of an `.env` file: `.env`, `.env.local`, `survey.env`."""
    name = path.replace("\\", "/").rpartition("/")[2]
    return name.startswith(".env") or name.endswith(".env")


def read_env(text: str, file: str) -> dict[str, str]:
    """The values by variable; `file` is the name of the file for messages.

    Raises:
        ManifestError: with every line that cannot be read.
    """
    values: dict[str, str] = {}
    found: list[Diagnostic] = []
    for line, name, value, problem in _lines(text.replace("\r\n", "\n")):
        if why := problem or _problem_of_name(name, values):
            found.append(Diagnostic("wrong-value", Severity.ERROR, why, _FORM, Location(file, line)))
        else:
            values[name] = value
    if found:
        raise ManifestError(tuple(found))
    return values


def _problem_of_name(name: str, known: Mapping[str, str]) -> str:
    if NAME.match(name) is None:
        return "this is not a name for a variable"
    return f"{quoted(name)} is given twice" if name in known else ""


def _lines(text: str) -> Iterator[tuple[int, str, str, str]]:
    """The number of each line that is not blank, with a name and a value, or with the problem."""
    at, line = 0, 1
    while at < len(text):
        if blank := _BLANK.match(text, at):
            at, line = max(blank.end(), at + 1), line + 1
            continue
        end, name, value, problem = _assignment(text, at)
        yield line, name, value, problem
        line += text.count("\n", at, end)
        at = end


def _assignment(text: str, at: int) -> tuple[int, str, str, str]:
    """One assignment: the place after it, the name, the value, and the problem instead of them."""
    start = _START.match(text, at)
    if start is None:
        return _line_end(text, at), "", "", "this line is not NAME=VALUE"
    name, begin = start[1].removeprefix(PREFIX), start.end()
    if text[begin : begin + 1] not in ("'", '"'):
        plain = _PLAIN.match(text, begin)
        value = "" if plain is None else _COMMENT.sub("", plain[0]).strip()
        return _line_end(text, begin), name, value, ""
    value_in_quotes = _QUOTED.match(text, begin)
    if value_in_quotes is None:
        return _line_end(text, begin), name, "", "the quotes of this value do not end"
    after = _BLANK.match(text, value_in_quotes.end())
    if after is None:
        return _line_end(text, value_in_quotes.end()), name, "", "there is text after the quotes of this value"
    verbatim, escaped = value_in_quotes.groups()
    value = verbatim if verbatim is not None else _ESCAPE.sub(lambda one: _MEANT.get(one[1], one[1]), escaped)
    return max(after.end(), at + 1), name, value, ""


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1
