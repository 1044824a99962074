"""Manifests: from YAML files to projects, and back to YAML.

What writes manifests is imported when it is first used, since most calls only read them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.manifest.findings import FORM_RULES, FORM_WARNINGS
from skaha_apply.manifest.loading import collector_at_rest, load

if TYPE_CHECKING:
    from skaha_apply.manifest.given import read_values
    from skaha_apply.manifest.items import with_items
    from skaha_apply.manifest.layout.formatting import format_all, formatted
    from skaha_apply.manifest.making.conversion import convert
    from skaha_apply.manifest.making.writing import Remarks, dump
    from skaha_apply.manifest.schemas import schema

__all__ = [
    "FORM_RULES",
    "FORM_WARNINGS",
    "Remarks",
    "collector_at_rest",
    "convert",
    "dump",
    "format_all",
    "formatted",
    "load",
    "read_values",
    "schema",
    "with_items",
]
HOMES = {
    "Remarks": "making.writing",
    "convert": "making.conversion",
    "dump": "making.writing",
    "format_all": "layout.formatting",
    "formatted": "layout.formatting",
    "read_values": "given",
    "schema": "schemas",
    "with_items": "items",
}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - see above

    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
