"""Paths of the server that stand for folders of this machine, in the words and variables of a session that runs.

The sandbox has no containers, so it replaces the text of a path before it starts a program. It cannot replace a path
that the program itself contains or makes; such a program can read the variable `SKAHA_APPLY_MOUNTS`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

VARIABLE = "SKAHA_APPLY_MOUNTS"
_OWN_PATHS = frozenset({"HOME", "PWD"})  # paths of this machine


class Mounts:
    """Pairs of a folder of the server (`/arc`) and a folder of this machine."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._folders = {point.rstrip("/"): folder for point, folder in pairs}
        longest_first = "|".join(map(re.escape, sorted(self._folders, key=len, reverse=True)))
        # A path begins at the start of a word, or after a character that is in no path, such as `=`, `:` or a quote.
        self._path = re.compile(rf"(?<![\w./~}})\-])(?:{longest_first})(?![\w.-])")

    def words(self, argv: Sequence[str]) -> tuple[str, ...]:
        """The words of a command, with folders of this machine."""
        return tuple(map(self._replaced, argv))

    def variables(self, env: Mapping[str, str]) -> dict[str, str]:
        """The variables of a session, with folders of this machine, and with `SKAHA_APPLY_MOUNTS` if there are any."""
        if not self._folders:
            return dict(env)
        replaced = {name: value if name in _OWN_PATHS else self._replaced(value) for name, value in env.items()}
        return {**replaced, VARIABLE: ":".join(f"{point}={folder}" for point, folder in self._folders.items())}

    def _replaced(self, text: str) -> str:
        return self._path.sub(lambda found: self._folders[found[0]], text) if self._folders else text
