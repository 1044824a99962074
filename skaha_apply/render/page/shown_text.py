"""Texts of others as a page shows them: on one line, without characters that act, and of bounded length."""

from __future__ import annotations

from skaha_apply.render.printable import one_line, truncate

LONGEST = 400  # characters of a text


def shown(text: str, most: int = LONGEST) -> str:
    """`text` on one line, with an escape for each control character; `…` marks a cut after `most` characters."""
    return one_line(truncate(text, most))


def shown_lines(lines: tuple[str, ...], most: int) -> list[str]:
    """The lines of a log; a tab is kept, because `pre` shows it."""
    return ["\t".join(shown(part, most) for part in line.split("\t")) for line in (one[:most] for one in lines)]
