"""Counts the items of lists that replicas share, if the list is below the folder of the invocation."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.manifest.expansion.list_files import ListFileError, Lists
from skaha_apply.manifest.source.folders import roots

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec

LISTS = (".csv", ".list", ".lst", ".tsv", ".txt")
LONGEST = 1_000  # characters of a path


def with_items(projects: Sequence[Project], paths: Sequence[Path | str]) -> tuple[Project, ...]:
    """The projects with `items`: the length of each list that an argument or a variable names.

    Lists are found and counted as those of a matrix: lines that are neither blank nor comments. A list that is not
    there is most likely on the server, and is left out. `paths` are the manifests of the invocation.
    """
    lists = Lists(roots(paths))
    return tuple(_counted(project, lists) for project in projects)


def _counted(project: Project, lists: Lists) -> Project:
    found: dict[str, int] = {}
    lengths: dict[tuple[str, str], int | None] = {}
    for index, spec in enumerate(project.sessions):
        if spec.replicas == 1 or spec.kind.interactive:
            continue
        for part, name in _named(spec):
            path = f"sessions[{index}].{part}"
            location = project.location(path)
            folder = os.path.dirname(os.path.abspath(location.file)) if location else os.getcwd()  # noqa: PTH100, PTH109, PTH120 - as in lists
            if (name, folder) not in lengths:
                lengths[name, folder] = _length(lists, name, folder)
            length = lengths[name, folder]
            if length is not None:
                found[path] = length
    return replace(project, items=found) if found else project


def _named(spec: SessionSpec) -> Iterator[tuple[str, str]]:
    """Texts that can be the relative path of a list, each with its path in the session."""
    texts = [(f"args[{index}]", text.rpartition("=")[2]) for index, text in enumerate(spec.args)]
    texts += [(f"env.{name}", text) for name, text in spec.env.items()]
    for part, text in texts:
        if text.lower().endswith(LISTS) and "${" not in text and len(text) < LONGEST:
            yield part, text


def _length(lists: Lists, name: str, folder: str) -> int | None:
    try:
        return len(lists.get(name, folder).values())
    except ListFileError:
        return None
