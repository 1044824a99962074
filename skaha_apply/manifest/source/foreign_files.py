"""YAML of other tools in a folder of manifests: environment.yml, mkdocs.yml, docker-compose.yml.

Such a file is skipped with a note. If the user names it, its errors are reported as those of a manifest.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.manifest.source.files import ManifestFileError, decode, read_bytes
from skaha_apply.manifest.source.nodes import NotYaml, compose

if TYPE_CHECKING:
    from collections.abc import Callable

    from skaha_apply.manifest.source.files import ManifestFile
    from skaha_apply.manifest.source.nodes import Node

KEYS = ("project", "sessions")  # a manifest has both at its top
WHY = "neither `project` nor `sessions` at the top"
_LINE = r"^(?:(?:\{{[ \t]*)?|[ \t{{]*[\"'])(?:{})[\"']?[ \t]*:"  # a key at the top, where only the text is known
_KEY_LINE = re.compile(_LINE.format("project|sessions"), re.MULTILINE)
_ANY_LINE = re.compile(_LINE.format("project|sessions|version"), re.MULTILINE)
SHOWN = 5  # names in a note


class ForeignFile(Exception):
    """A file in a folder that is not a manifest."""


def read_text(source: ManifestFile, real_path: str, stdin: Callable[[], bytes] | None) -> str:
    """The text of a manifest, `real_path` is its real path.

    Raises:
        Unusable: with the diagnostic.
        ForeignFile: for a file in a folder that cannot be read as text and has no key of a manifest.
    """
    data = b""
    try:
        data = read_bytes(source, real_path, stdin)
        return decode(data, source.shown)
    except ManifestFileError as error:
        data = data or error.data
        loose = data.decode("utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "latin-1", "replace")
        if source.folder and data and not _ANY_LINE.search(loose):
            raise ForeignFile(source.shown) from None
        raise


def is_foreign(text: str) -> bool:
    """Whether a text is not a manifest."""
    try:
        return is_foreign_root(compose(text))
    except NotYaml as error:
        return is_foreign_error(error, text)


def is_foreign_root(root: Node | None) -> bool:
    """Whether a YAML document is not a manifest."""
    return root is None or not any(key.text in KEYS for key, _ in root.pairs)


def is_foreign_error(error: NotYaml, text: str) -> bool:
    """Whether a text that is not one YAML document of plain values is not a manifest either.

    It may be a template, hold several documents, or tags of another tool. A broken text with a version may be
    a manifest.
    """
    return not (_KEY_LINE if error.parsed else _ANY_LINE).search(text)


def note(skipped: list[str], what: str) -> str:
    """A note about files that are skipped: how many, why, and some names."""
    names = ", ".join(skipped[:SHOWN])
    more = f" and {len(skipped) - SHOWN} more" if len(skipped) > SHOWN else ""
    return f"{len(skipped)} {what}: {names}{more}"
