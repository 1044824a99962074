"""A digest of the state document inside the document, so that a damaged state is never read as another one.

The first member holds the digest of the whole text after it, and one of each member to locate the damage. A state of
an earlier version, or one whose `digest` line somebody removed to edit it by hand, has none and is read without.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "digest"
WHOLE = "document"
_LINE = re.compile(rb'\A\{\n"digest": (\{"document": "[0-9a-f]{64}"[^\n]*\}),\n')


def document_text(members: Mapping[str, str]) -> bytes:
    """The document that consists of these members, each the JSON of its value, with their digest in front."""
    rest = (",\n".join(f"{json.dumps(name)}: {text}" for name, text in members.items()) + "\n}\n").encode()
    digest = {WHOLE: _hash(rest), **{name: _hash(text.encode())[:16] for name, text in members.items()}}
    return b'{\n"digest": ' + json.dumps(digest).encode() + b",\n" + rest


def is_intact(data: bytes) -> bool:
    """Whether the text is byte for byte the one that was written."""
    line = _LINE.match(data)
    return line is not None and json.loads(line[1])[WHOLE] == _hash(data[line.end() :])


def differences(stated: Any, data: bytes) -> tuple[str, ...]:
    """The members that differ from the digest that a document stated; `data` is its content, written again.

    There are none if the text was only laid out in another way, which a store can do.
    """
    line = _LINE.match(data)
    actual = json.loads(line[1]) if line else {}
    if stated == actual:
        return ()
    if not isinstance(stated, dict):
        return (KEY,)
    names = sorted(name for name in {*stated, *actual} - {WHOLE} if stated.get(name) != actual.get(name))
    return tuple(names) or (KEY,)


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
