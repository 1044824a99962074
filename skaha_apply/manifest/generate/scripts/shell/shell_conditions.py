"""Decides `[ ... ]` and `[[ ... ]]`: true, false, or None if the script alone does not decide."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.manifest.generate.scripts.traced_text import is_known, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NUMBERS: dict[str, Callable[[int, int], bool]] = {
    "-eq": lambda left, right: left == right,
    "-ne": lambda left, right: left != right,
    "-lt": lambda left, right: left < right,
    "-le": lambda left, right: left <= right,
    "-gt": lambda left, right: left > right,
    "-ge": lambda left, right: left >= right,
}


def decide(words: Sequence[str], *, patterns: bool) -> bool | None:
    """Whether a condition holds.

    Args:
        words: the expanded words between the brackets.
        patterns: for `[[ ]]`, where `==` matches a pattern.
    """
    try:
        condition = _Condition(list(words), patterns)
        value = condition.either()
    except IndexError:
        return None
    return value if condition.at == len(words) else None


@dataclass
class _Condition:
    words: list[str]
    patterns: bool
    at: int = 0

    @property
    def here(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def either(self) -> bool | None:
        value = self.both()
        while self.here in ("||", "-o"):
            self.at += 1
            other = self.both()
            value = True if True in (value, other) else None if None in (value, other) else False
        return value

    def both(self) -> bool | None:
        value = self.single()
        while self.here in ("&&", "-a"):
            self.at += 1
            other = self.single()
            value = False if False in (value, other) else None if None in (value, other) else True
        return value

    def single(self) -> bool | None:
        if self.here == "!":
            self.at += 1
            value = self.single()
            return None if value is None else not value
        if self.here == "(":
            self.at += 1
            value = self.either()
            self.at += 1
            return value
        return self.test()

    def test(self) -> bool | None:
        words, at = self.words, self.at
        if at + 2 < len(words) and (words[at + 1] in NUMBERS or words[at + 1] in ("=", "==", "!=", "<", ">", "=~")):
            self.at += 3
            return self.compared(words[at], words[at + 1], words[at + 2])
        if len(words[at]) == len("-z") and words[at][0] == "-" and at + 1 < len(words):
            self.at += 2
            if words[at] not in ("-z", "-n") or not is_known(words[at + 1]):
                return None  # a question about a file of the cluster
            return bool(plain(words[at + 1])) == (words[at] == "-n")
        self.at += 1
        return bool(plain(words[at])) if is_known(words[at]) else None

    def compared(self, left: str, sign: str, right: str) -> bool | None:
        if not is_known(left) or not is_known(right):
            return None
        left, right = plain(left), plain(right)
        try:
            if sign in NUMBERS:
                return NUMBERS[sign](int(left), int(right))
            if sign == "=~":
                return re.search(right, left) is not None
        except (ValueError, re.error):
            return None
        if sign in ("<", ">"):
            return left < right if sign == "<" else left > right
        same = fnmatchcase(left, right) if self.patterns else left == right
        return same == (sign != "!=")
