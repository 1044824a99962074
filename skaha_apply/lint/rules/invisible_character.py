"""Characters that an editor does not show, and that make a value different from the one you see."""

from __future__ import annotations

import re
import unicodedata
from itertools import chain
from typing import TYPE_CHECKING

from skaha_apply.lint.rule import BLANK, Rule, RuleDiagnostic, all_text, sessions, shown, texts
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec

FORMAT = frozenset({"Cf", "Zs"})  # what only directs the layout, and spaces
NOT_ASCII = re.compile(r"[^\x00-\x7f]")
# For common characters, where the name in the Unicode standard is not the usual one.
USUAL = {"\ufeff": "BYTE ORDER MARK", "\u200b": "ZERO WIDTH SPACE"}


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """A value of a matrix is reported where it is written, and not again in each text that it fills in."""
    for project in projects:
        values = chain.from_iterable(spec.values.values() for spec in project.sessions)
        if not all(map(str.isascii, chain(project.sent_texts, values))):
            yield from _of_project(project)


def _of_project(project: Project) -> Iterator[RuleDiagnostic]:
    for _, path, spec in sessions([project]):
        if spec.values and _has(" ".join(spec.values.values())):
            yield from _values(project, path, spec)
        if _has(all_text(spec)):
            for part, what, text in texts(spec):
                if char := _first(_without(text, spec.values)):
                    yield _diagnostic(project, f"{path}.{part}", f"{what} {shown(text)}", char)


def _values(project: Project, path: str, spec: SessionSpec) -> Iterator[RuleDiagnostic]:
    for axis, value in spec.values.items():
        if char := _first(value):
            yield _diagnostic(project, f"{path}.values.{axis}", f"the value {shown(value)} of {axis}", char)


def _diagnostic(project: Project, path: str, what: str, char: str) -> RuleDiagnostic:
    name = USUAL.get(char) or unicodedata.name(char, "without a name")
    detail = "The value is sent with it, so file names and other values do not match. Remove the character"
    detail += ", or type a space." if unicodedata.category(char) == "Zs" else "."
    return RuleDiagnostic(project, path, f"{what} has the invisible character U+{ord(char):04X} ({name}) in it", detail)


def _has(text: str) -> bool:
    return not text.isascii() and bool(_first(text))


def _first(text: str) -> str:
    """The first invisible character, "" without any."""
    return next((char[0] for char in NOT_ASCII.finditer(text) if _is_invisible(char[0])), "")


def _is_invisible(char: str) -> bool:
    return unicodedata.category(char) in FORMAT or char in BLANK


def _without(text: str, values: Mapping[str, str]) -> str:
    """A text without the values that fill it in."""
    for value in values.values():
        if value and not value.isascii():
            text = text.replace(value, "")
    return text


RULE = Rule(
    id="invisible-character",
    severity=Severity.WARNING,
    title="An invisible character, such as a zero width space, in a list value, `cmd`, `args` or `env`.",
    why="Text that is copied from a web page or a document often has characters that an editor does not show: a zero "
    "width space, a no-break space, a soft hyphen, a byte order mark, or marks that change the direction of writing. "
    "The server passes them on, and the program then looks for a file that does not exist.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  args: [reduce.py, "t001\\u200b"]
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  args: [reduce.py, "t001"]
""",
    check=check,
)
