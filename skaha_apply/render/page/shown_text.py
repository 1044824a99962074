"""Texts of others as a page shows them: on one line, without characters that act, and of bounded length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.planning.failure_cause import cause_key
from skaha_apply.render.printable import one_line, truncate

if TYPE_CHECKING:
    from collections.abc import Hashable

LONGEST = 400  # characters of a text
MOST_TEXTS = 1500


def shown(text: str, most: int = LONGEST) -> str:
    """`text` on one line, with an escape for each control character; `…` marks a cut after `most` characters."""
    return one_line(truncate(text, most))


def shown_lines(lines: tuple[str, ...], most: int) -> list[str]:
    """The lines of a log; a tab is kept, because `pre` shows it."""
    return ["\t".join(shown(part, most) for part in line.split("\t")) for line in (one[:most] for one in lines)]


class SharedTexts:
    """Texts that many replicas share: each is stored once, and a replica has its number. "" has the number 0.

    At most `MOST_TEXTS` are stored as they are. Later texts are stored without paths, numbers and IDs, so that
    thousands of them become a few.
    """

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {"": 0}

    def number(self, text: str) -> int:
        """The number of a text; that of "" if there is no room for it."""
        if text not in self._numbers and len(self._numbers) >= MOST_TEXTS:
            text = cause_key(text)
            if text not in self._numbers and len(self._numbers) >= 2 * MOST_TEXTS:
                return 0
        return self._numbers.setdefault(text, len(self._numbers))

    @property
    def texts(self) -> list[Any]:
        """The texts in the order of their numbers."""
        return list(self._numbers)
