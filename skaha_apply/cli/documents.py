"""JSON documents as they are printed."""

from __future__ import annotations

import json
from typing import Any

from skaha_apply.model.inert import inert_json


def as_json(document: Any) -> str:
    """One document, indented, with a newline at its end; nothing in it acts on a terminal or in a CI job."""
    return inert_json(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"
