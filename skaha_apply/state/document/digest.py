"""The digest inside the state document. It prevents that a damaged state is read as a different state.

The first member contains the digest of the text after it, and a digest of each member to locate the damage. A state of
an earlier version has no digest. A user removes the line `digest` to edit a state by hand. Such states are read too.
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
    """The text of a document with these members, each the JSON of its value, and their digest as the first member."""
    rest = (",\n".join(f"{json.dumps(name)}: {text}" for name, text in members.items()) + "\n}\n").encode()
    digest = {WHOLE: _hash(rest), **{name: _hash(text.encode())[:16] for name, text in members.items()}}
    return b'{\n"digest": ' + json.dumps(digest).encode() + b",\n" + rest


def is_intact(data: bytes) -> bool:
    """Whether each byte of the text is as it was written."""
    line = _LINE.match(data)
    return line is not None and json.loads(line[1])[WHOLE] == _hash(data[line.end() :])


def differences(stated: Any, data: bytes) -> tuple[str, ...]:
    """The members whose content differs from the stated digest; `data` is the content, written again.

    There are none if only the layout of the text changed. A store can change it.
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
