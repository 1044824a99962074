"""Color as an argument: each renderer takes a function `paint(text, style)`, which adds terminal codes or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Paint = Callable[[str, str], str]  # (text, style) -> text


def plain(text: str, _style: str) -> str:
    """Text without color."""
    return text


def terminal_colors() -> Paint:
    """A function that adds terminal colors; a style is a word of rich (`green`, `bold red`)."""
    from rich.style import Style  # noqa: PLC0415 - takes a tenth of a second, which only a terminal needs

    known: dict[str, Style] = {}

    def in_style(text: str, style: str) -> str:
        if style not in known:
            known[style] = Style.parse(style)
        return known[style].render(text) if text else text

    return in_style
