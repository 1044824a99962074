"""The changes of a value after `${name%pattern}`, `${name//a/b}`, `${name:1:2}` and `${name^^}`."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def _trim(text: str, sign: str, parts: Sequence[str]) -> str:
    pattern = re.compile(translate(parts[0]), re.DOTALL)
    front, longest = sign[0] == "#", len(sign) > 1
    sizes = range(len(text) + 1)
    for size in reversed(sizes) if longest else sizes:
        piece = text[:size] if front else text[len(text) - size :]
        if pattern.match(piece):
            return text[size:] if front else text[: len(text) - size]
    return text


def _replace(text: str, sign: str, parts: Sequence[str]) -> str:
    inner = translate(parts[0]).removeprefix("(?s:").removesuffix(")\\Z").removesuffix(")\\z")
    pattern = {"/#": rf"\A(?:{inner})", "/%": rf"(?:{inner})\Z"}.get(sign, inner)
    if not parts[0]:
        return text
    return re.sub(pattern, lambda _: parts[1], text, count=0 if sign == "//" else 1, flags=re.DOTALL)


def _case(text: str, sign: str, _: Sequence[str]) -> str:
    change = str.upper if sign[0] == "^" else str.lower
    return change(text) if len(sign) > 1 else change(text[:1]) + text[1:]


def _slice(text: str, _: str, parts: Sequence[str]) -> str | None:
    try:
        start = int(parts[0])
        stop = int(parts[1]) if len(parts) > 1 else len(text)
    except ValueError:
        return None
    start = start if start >= 0 else max(len(text) + start, 0)
    return text[start : start + stop] if stop >= 0 else text[start : len(text) + stop]


CHANGES: tuple[tuple[str, Callable[[str, str, Sequence[str]], str | None]], ...] = (
    *((sign, _trim) for sign in ("##", "#", "%%", "%")),
    *((sign, _replace) for sign in ("//", "/#", "/%", "/")),
    *((sign, _case) for sign in ("^^", "^", ",,", ",")),
    (":", _slice),
)
