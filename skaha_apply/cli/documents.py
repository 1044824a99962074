"""JSON documents as they are printed."""

from __future__ import annotations

import json
from typing import Any


def as_json(document: Any) -> str:
    """One document, indented, with a newline at its end."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
