"""Manifests: from YAML files to projects, and back to YAML.

What writes manifests is imported when it is first used, since most calls only read them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.manifest.loading import collector_at_rest, load
from skaha_apply.manifest.source.file_diagnostics import SYNTAX_RULES, SYNTAX_WARNINGS

if TYPE_CHECKING:
    from skaha_apply.manifest.expansion.item_counts import with_items
    from skaha_apply.manifest.format.format import format_all, formatted
    from skaha_apply.manifest.generate.from_command import convert
    from skaha_apply.manifest.generate.yaml_writer import Remarks, dump
    from skaha_apply.manifest.schema import manifest_schema
    from skaha_apply.manifest.variables.files import read_values

__all__ = [
    "SYNTAX_RULES",
    "SYNTAX_WARNINGS",
    "Remarks",
    "collector_at_rest",
    "convert",
    "dump",
    "format_all",
    "formatted",
    "load",
    "manifest_schema",
    "read_values",
    "with_items",
]
HOMES = {
    "Remarks": "generate.yaml_writer",
    "convert": "generate.from_command",
    "dump": "generate.yaml_writer",
    "format_all": "format.format",
    "formatted": "format.format",
    "read_values": "variables.files",
    "manifest_schema": "schema",
    "with_items": "expansion.item_counts",
}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - see above

    return getattr(import_module(f"{__name__}.{HOMES[name]}"), name)
