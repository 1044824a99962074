"""A wrapper that keeps tokens and passwords out of logs, reprs and tracebacks."""

from __future__ import annotations

from typing import NoReturn


class Secret:
    """A text that only `reveal` returns."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text; call this only where the text is sent."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret(sensitive)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be serialized")
