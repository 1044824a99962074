"""Styled texts of a terminal as HTML that a notebook shows.

A notebook that is not trusted removes most styles, but not those of the element `font`.
"""

from __future__ import annotations

from html import escape

_COLORS = {
    "green": "#2e7d32",
    "red": "#d32f2f",
    "yellow": "#b26a00",
    "magenta": "#8e24aa",
    "blue": "#1976d2",
    "cyan": "#00838f",
}


def styled_html(text: str, style: str) -> str:
    """The escaped text with the colors of a style, such as `bold red`."""
    words = style.split()
    css = [f"color:{_COLORS[word]}" for word in words if word in _COLORS]
    css += ["font-weight:bold"] if "bold" in words else []
    css += ["opacity:0.6"] if "dim" in words else []
    shown = escape(text)
    return f'<font style="{";".join(css)}">{shown}</font>' if css else shown
