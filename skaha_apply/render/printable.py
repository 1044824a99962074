"""Text from manifests, servers and logs made safe to print: it cannot move a cursor or color a screen."""

from __future__ import annotations

import json
import re
from typing import Any

from skaha_apply.model.masking.inert_text import inert_json
from skaha_apply.model.masking.secrets import SENSITIVE

_LATER = re.compile(r"\$\{var\.[^}]*\}")
VALUE_WIDTH = 120  # characters of one value that a changed field shows


def one_line(text: str) -> str:
    r"""`text` on one line, with an escape for each character that a terminal acts on (`\x1b`, `\n`)."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def printable_lines(text: str) -> str:
    """`text` with its lines and tabs, and an escape for every other control character."""
    return "\n".join("\t".join(one_line(part) for part in one.split("\t")) for one in text.splitlines())


def truncate(text: str, width: int) -> str:
    """At most `width` characters; `…` at the end marks a cut."""
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def differing_values(before: Any, after: Any) -> tuple[str, str]:
    """Two values as JSON; long ones are cut around the first difference. None is `(none)`."""
    texts = [_value(before), _value(after)]
    if max(map(len, texts)) > VALUE_WIDTH:
        same = next((index for index, (one, two) in enumerate(zip(*texts, strict=False)) if one != two), 0)
        start = max(0, same - VALUE_WIDTH // 3)
        texts = [("…" if start else "") + truncate(text[start:], VALUE_WIDTH) for text in texts]
    return texts[0], texts[1]


def mask_references(value: Any) -> Any:
    """A value of a spec with `(sensitive)` for each reference to a sensitive variable, at any depth."""
    if isinstance(value, str):
        return _LATER.sub(SENSITIVE, value) if "${" in value else value
    if isinstance(value, dict):
        return {key: mask_references(item) for key, item in value.items()}
    return [mask_references(item) for item in value] if isinstance(value, list | tuple) else value


def as_json(document: Any) -> str:
    """One document, indented, with a newline at its end; no part of it acts on a terminal or in a CI job."""
    return inert_json(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"


def _value(value: Any) -> str:
    return "(none)" if value is None else one_line(json.dumps(mask_references(value), ensure_ascii=False, default=str))


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
